"""Holds the answers of every host against the cases, and so against each other.

    python3 tests/conformance/compare.py RESULTS HOST...

Fails where a host wrote no file, lacks a case, has one too many, or differs. Numbers are compared to the last digit.
What a plugin is shown (`call: inventory`) is compared between the hosts in Rust alone.
"""

import json
import sys
from pathlib import Path

CASES = Path(__file__).parent / "cases"


JUDGING_ALONE = {"python", "node"}


def expected(host: str) -> dict[str, dict]:
    """The outcome of each case that a host runs, by name."""
    cases = {path.stem: json.loads(path.read_text()) for path in CASES.glob("*.json")}
    if host in JUDGING_ALONE:
        cases = {name: case for name, case in cases.items() if case["call"] != "inventory"}
    return {name: {key: case[key] for key in ("answer", "error") if key in case} for name, case in cases.items()}


def differences(answers: dict[str, dict], cases: dict[str, dict]) -> list[str]:
    """What is wrong with a host's answers, in words."""
    wrong = [f"lacks {name}" for name in sorted(cases.keys() - answers.keys())]
    wrong += [f"has the unknown case {name}" for name in sorted(answers.keys() - cases.keys())]
    return wrong + [f"differs in {name}" for name in sorted(cases) if name in answers and answers[name] != cases[name]]


def main(results: Path, hosts: list[str]) -> int:
    """Prints a line per host; gives the exit code."""
    failed = 0
    for host in hosts:
        cases = expected(host)
        file = results / f"{host}.json"
        wrong = differences(json.loads(file.read_text()), cases) if file.is_file() else ["did not run"]
        failed += bool(wrong)
        print(f"{host:<16} {len(cases)} cases, {', '.join(wrong) or 'all equal'}")
    print(f"{len(hosts) - failed} passed, {failed} failed")
    return 1 if failed or not hosts else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
