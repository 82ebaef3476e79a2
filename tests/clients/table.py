"""Runs the timings of every host and prints them as one table.

    python3 tests/clients/table.py

Needs what `.ci/clients` leaves in `target/clients`: the packages installed into environments of their own.
"""

import json
import subprocess
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "target/clients"
WORLD = ROOT / "tests/emulator/worlds/acme"
LENGTHS = (1, 200, 1_000, 5_000)

COMMANDS = [
    (["cargo", "bench", "--quiet", "--locked", "-p", "quotagate-cli", "--bench", "hosts"], ROOT),
    ([CLIENTS / "python/bin/python", ROOT / "host/python/bench.py", WORLD], ROOT),
    (["node", "bench.mjs", WORLD], CLIENTS / "node"),
    *(([CLIENTS / "dstack/bin/python", "bench.py", str(length)], ROOT / "tests/clients/dstack") for length in LENGTHS),
]


def main() -> None:
    """Prints medians in milliseconds."""
    times: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for command, folder in COMMANDS:
        output = subprocess.run([str(part) for part in command], cwd=folder, check=True, capture_output=True, text=True)
        for line in output.stdout.splitlines():
            if line.startswith("{"):
                said = json.loads(line)
                times[said["host"], said["kind"]][said["offers"]] = said["median_ms"]
    print(f"{'median ms for a list of':40}" + "".join(f"{length:>10,}" for length in LENGTHS))
    for (host, kind), found in sorted(times.items(), key=lambda item: (item[0][1], item[0][0])):
        told = {"catalog": "offers of a catalogue", "distinct": "distinct offers"}[kind]
        print(f"{f'{host}, {told}':40}" + "".join(f"{found.get(length, float('nan')):10.3f}" for length in LENGTHS))


if __name__ == "__main__":
    main()
