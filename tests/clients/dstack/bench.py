"""How long dstack takes to fill its list of Nebius offers, with the integration and without it.

    python bench.py LENGTH
"""

import json
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import catalog
from offline import WORLD, make_backend, make_key, start_emulator

REPEATS = 7


def median_ms(listing) -> float:
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        listing()
        taken.append(1e3 * (time.perf_counter() - start))
    return round(statistics.median(taken), 3)


def main(length: int) -> None:
    folder = Path(tempfile.mkdtemp())
    private, public = make_key(folder)
    items = catalog.items_of(WORLD)
    items = catalog.items_of(WORLD, copies=length // len(items) + 1)[:length]
    os.environ["GPUHUNT_CATALOG_URL"] = catalog.write(folder / "catalog", items)
    process, address = start_emulator(public)
    try:
        backend = make_backend(address, private)
        from quotagate.dstack import disable, enable

        for host, switch in (("dstack alone", disable), ("dstack with us", enable)):
            switch()

            def listing() -> None:
                offers = backend.compute().get_all_offers_with_availability(unallocated_resources=False)
                assert len(offers) == length

            listing()
            print(json.dumps({"host": host, "offers": length, "kind": "catalog", "median_ms": median_ms(listing)}))
    finally:
        process.kill()


logging.disable()
main(int(sys.argv[1]))
os._exit(0)
