"""Every judging case of the conformance suite, through the JSON twins and through the dataclasses."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from quotagate import Disk, Gate, InvalidLaunch, Inventory, Launch, Offer, Policy, Profile, QuotagateError
from quotagate.world import World

CONFORMANCE = Path(os.environ.get("QUOTAGATE_CONFORMANCE", Path(__file__).parents[3] / "tests/conformance"))
ALL = {path.stem: json.loads(path.read_text()) for path in sorted((CONFORMANCE / "cases").glob("*.json"))}
CASES = {name: case for name, case in ALL.items() if case["call"] != "inventory"}


@pytest.fixture(scope="module")
def results():
    answers: dict[str, Any] = {}
    yield answers
    folder = os.environ.get("QUOTAGATE_CONFORMANCE_RESULTS")
    if folder:
        Path(folder, "python.json").write_text(json.dumps(answers))


def test_there_are_cases():
    assert len(CASES) > 100


def inventory_of(case) -> Inventory:
    if "inventory" in case:
        return Inventory.from_json((CONFORMANCE / "inventories" / f"{case['inventory']}.json").read_text())
    told = case.get("world")
    if told is None:
        return Inventory({})
    if isinstance(told, str):
        return Inventory.from_world(CONFORMANCE / "worlds" / told, now_ms=case["now"])
    files = dict(World.read(CONFORMANCE / "worlds" / told["like"]).files)
    for name, value in told["files"].items():
        if value is None:
            del files[name]
        else:
            files[name] = value
    return World(files).inventory(now_ms=case["now"])


def ask(case) -> dict[str, Any]:
    inventory = inventory_of(case)
    gate = Gate(inventory, clock=lambda: case["now"])
    request = case["request"] if isinstance(case["request"], str) else json.dumps(case["request"])
    try:
        return {"answer": json.loads(getattr(gate, f"{case['call']}_json")(request))}
    except QuotagateError as error:
        return {"error": {"code": error.code, "message": error.message}}


@pytest.mark.parametrize("name", CASES)
def test_case(name, results):
    case = CASES[name]
    results[name] = ask(case)
    assert results[name] == {key: case[key] for key in ("answer", "error") if key in case}


def profile_of(value) -> Profile:
    lists = {name: tuple(Disk(**disk) for disk in value.get(name, ())) for name in ("disks", "filesystems")}
    return Profile(**{**value, **lists})


def policy_of(request) -> Policy:
    return Policy(**request.get("policy", {}))


def plain(record) -> Any:
    """A record as the JSON that it came from: tuples are lists, and an empty command is left out."""
    value = json.loads(json.dumps(asdict(record)))
    for finding in value.get("verdict", value)["findings"]:
        if not finding["command"]:
            del finding["command"]
    return value


TYPED = [name for name, case in CASES.items() if isinstance(case["request"], dict) and case["call"] in ("assess", "admit")]


@pytest.mark.parametrize("name", TYPED)
def test_case_by_dataclasses(name):
    """The typed functions say the same as the twins."""
    case = CASES[name]
    gate, request = Gate(inventory_of(case), clock=lambda: case["now"]), case["request"]
    try:
        if case["call"] == "assess":
            if not request["profile"].get("project"):
                pytest.skip("a typed call finds the project by the region")
            offers = [Offer(**offer) for offer in request["offers"]]
            judged = gate.filter(
                offers, count=request.get("count", 1), profile=profile_of(request["profile"]), policy=policy_of(request)
            )
            answer = {"verdicts": [plain(item.verdict) for item in judged]}
        else:
            plan = [
                Launch(Offer(**launch["offer"]), launch["count"], profile_of(launch["profile"])) for launch in request["plan"]
            ]
            answer = plain(gate.admit(plan, policy=policy_of(request)).admission)
    except InvalidLaunch as error:
        assert case["error"] == {"code": error.code, "message": error.message}
    else:
        assert answer == case["answer"]
