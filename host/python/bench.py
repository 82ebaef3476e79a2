"""How long a list takes: prints a line of JSON for each length, as the other hosts do.

    python bench.py WORLD
"""

import json
import statistics
import sys
import time

from quotagate import Gate, Inventory, Offer, Profile

REPEATS = 15

inventory = Inventory.from_world(sys.argv[1])
gate = Gate(inventory)
known = inventory.offers()
project = inventory.projects_in(known[0].region)[0]

for kind, length in [(kind, length) for kind in ("catalog", "distinct") for length in (1, 200, 1_000, 5_000)]:
    if kind == "catalog":
        # As orchestrators list: the account's own types, again and again.
        offers, profile = (known * (length // len(known) + 1))[:length], Profile()
    else:
        offers = [Offer(f"{known[0].instance_type} {number}", known[0].region) for number in range(length)]
        profile = Profile(project=project)
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        gate.filter(offers, profile=profile)
        taken.append(1e3 * (time.perf_counter() - start))
    print(json.dumps({"host": "python", "offers": length, "kind": kind, "median_ms": round(statistics.median(taken), 3)}))
