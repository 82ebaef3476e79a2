"""The public API: what it answers, and what bad input gets."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import pytest

import quotagate.plugin
from quotagate import (
    AmbiguousProject,
    ContractMismatch,
    Gate,
    InvalidInventory,
    InvalidJson,
    InvalidLaunch,
    Inventory,
    Launch,
    Offer,
    Plugin,
    Policy,
    Profile,
    TooLarge,
)
from quotagate.verify import Verifier
from quotagate.words import reason
from quotagate.world import World

ACME = Path(os.environ.get("QUOTAGATE_WORLD", Path(__file__).parents[3] / "tests/emulator/worlds/acme"))
EIGHT_H200 = Offer("gpu-h200-sxm 8gpu-128vcpu-1600gb", "eu-north1")
CONFORMANCE = Path(os.environ.get("QUOTAGATE_CONFORMANCE", Path(__file__).parents[3] / "tests/conformance"))
COMPONENT = (resources.files("quotagate") / "plugins/nebius.wasm").read_bytes()


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate(Inventory.from_world(ACME))


def test_a_launch_without_quota_says_what_is_missing(gate):
    verdict = gate.check(Launch(EIGHT_H200)).verdict
    assert (verdict.quota, verdict.availability, verdict.fits_count) == ("blocked", "no_quota", 0)
    assert (verdict.findings[0].headroom, verdict.findings[0].shortfall, verdict.findings[0].minimum_limit) == (2, 6, 38)
    assert reason(verdict).startswith(
        "no quota: compute.instance.gpu.h200 in eu-north1 (tenant tenant-e00acme): needs 8, 2 free, 30 of 32 used, "
        "a limit of 38 would do"
    )


def test_offers_keep_their_order_and_what_else_the_caller_has_in_them(gate):
    offers = [{**vars(offer), "price": float("nan")} for offer in gate.inventory().offers()] * 3
    judged = gate.filter(offers)
    assert all(item.offer is offers[item.index] for item in judged)
    assert [item.index for item in judged] == list(range(len(offers)))
    assert {item.verdict.availability for item in judged} == {"available", "no_quota"}


def test_strictness_decides_what_is_visible(gate):
    shown = {
        strictness: sum(item.verdict.visible for item in gate.filter(gate.inventory().offers(), policy=Policy(strictness)))
        for strictness in ("advisory", "balanced", "strict")
    }
    assert shown["advisory"] > shown["balanced"] >= shown["strict"] > 0


def test_threads_share_a_gate(gate):
    offers = gate.inventory().offers()
    alone = gate.filter(offers)
    with ThreadPoolExecutor(16) as threads:
        assert all(found == alone for found in threads.map(lambda _: gate.filter(offers), range(64)))


def test_the_event_loop_goes_on(gate):
    async def both():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        offers = [Offer(f"type {number}", "eu-north1") for number in range(5_000)]
        judged = await gate.filter_async(offers)
        ticking.cancel()
        assert (await gate.check_async(Launch(EIGHT_H200))).verdict.quota == "blocked"
        return len(judged), ticks

    judged, ticks = asyncio.run(both())
    assert judged == 5_000 and ticks > 1


def test_an_inventory_survives_json(gate):
    inventory = gate.inventory()
    again = Inventory.from_json(json.dumps(inventory.to_json()))
    assert again.to_json() == inventory.to_json()
    assert again.generation > inventory.generation


def test_a_world_survives_writing(tmp_path):
    World.read(ACME).write(tmp_path)
    assert Inventory.from_world(tmp_path, now_ms=5).to_json() == Inventory.from_world(ACME, now_ms=5).to_json()


# Bad input.


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda code: code.replace(b"quotagate:plugin/gate@0.1.0", b"quotagate:plugin/gate@0.2.0"), "gate@0.2.0"),
        (lambda code: code.replace(b"plugin/inventory@0.1.0", b"plugin/inventory@0.3.0"), "inventory@0.3.0"),
        (lambda code: code[:1000], "no WebAssembly component"),
        (lambda code: b"", "no WebAssembly component"),
    ],
)
def test_a_component_of_another_contract_is_refused(change, says):
    with pytest.raises(ContractMismatch, match=says) as refused:
        Plugin(change(COMPONENT), cache_directory="")
    assert refused.value.code == "contract-mismatch"


def test_a_world_that_lacks_files_is_unknown_and_never_blocked(tmp_path):
    World.read(ACME).write(tmp_path)
    for file in [*tmp_path.glob("*/allowances.json"), *tmp_path.glob("*/*/allowances.json")]:
        file.unlink()
    verdict = Gate(Inventory.from_world(tmp_path)).check(Launch(EIGHT_H200)).verdict
    assert verdict.quota == "unknown"
    assert {finding.reason for finding in verdict.findings if finding.quota} == {"scope-unreadable"}


def test_a_world_that_is_none_is_refused(tmp_path):
    with pytest.raises(InvalidInventory, match="no world at"):
        Inventory.from_world(tmp_path / "nowhere")
    (tmp_path / "tenant").mkdir()
    (tmp_path / "tenant/allowances.json").write_text("[")
    with pytest.raises(InvalidInventory, match="allowances.json` is malformed"):
        Inventory.from_world(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"projects": []}', '{"projects": {"p": {}}}', '{"projects": {"p": 1}}', "[" * 100_000],
)
def test_an_inventory_that_is_none_is_refused(text):
    with pytest.raises(InvalidInventory):
        Inventory.from_json(text)


@pytest.mark.parametrize("value", [-1, 1 << 64, 1.5, "1", True, None, float("nan")])
def test_a_number_that_is_none_is_named(gate, value):
    broken = json.loads(json.dumps(gate.inventory().to_json()))
    broken["projects"]["project-e00eunorth1"]["allowances"]["tenant"]["rows"][3]["usage"] = value
    with pytest.raises(InvalidInventory, match=r"project-e00eunorth1\.allowances\.tenant\.rows\[3\]\.usage"):
        Inventory.from_json(broken)


@pytest.mark.parametrize("offer", [{}, None, 5, {"instance_type": "x", "region": float("nan"), "lifecycle": "on-demand"}])
def test_an_offer_that_lacks_something_is_named(gate, offer):
    with pytest.raises(InvalidLaunch, match="offer 1 has no text"):
        gate.filter([EIGHT_H200, offer])


def test_offers_of_another_cloud_are_not_offered(gate):
    [judged] = gate.filter([Offer("p5.48xlarge", "us-east-1")])
    assert (judged.project, judged.verdict.quota, judged.verdict.capacity) == ("", "unknown", "unlikely")


def test_what_makes_no_sense_is_the_callers_fault(gate):
    with pytest.raises(InvalidLaunch):
        gate.check(Launch(EIGHT_H200, count=0))
    with pytest.raises(InvalidLaunch):
        gate.filter([EIGHT_H200], profile=Profile(private_addresses=float("nan")))
    with pytest.raises(InvalidJson):
        gate.diagnose("quota exceeded")
    with pytest.raises(InvalidJson):
        gate.assess_json("\ud800")


def test_a_launch_in_a_region_of_several_projects_must_name_one(gate):
    shown = gate.inventory().to_json()["projects"]["project-e00eunorth1"]
    twice = Gate(Inventory({"one": shown, "two": shown}))
    with pytest.raises(AmbiguousProject, match="one, two"):
        twice.check(Launch(EIGHT_H200))
    assert [item.project for item in twice.filter([EIGHT_H200])] == ["one", "two"]


def inventory(name: str) -> dict:
    return json.loads((CONFORMANCE / "inventories" / f"{name}.json").read_text())


def test_an_inventory_without_the_newer_fields_is_read():
    """Inventories did not always have bands, shares of holds, and states of projects."""
    value = inventory("may-be-held")
    for project in value["projects"].values():
        del project["instance_types"]["project_state"]
        for row in project["allowances"]["tenant"]["rows"]:
            del row["held_at_most"]
        for item in project["reservations"]["items"]:
            for name in ("held_at_most", "project_held", "project_held_at_most"):
                del item[name]
    launch = Launch(EIGHT_H200, 2, Profile(project="project-e00test", reservation="forbid"))
    clock = lambda: 1790000000000  # noqa: E731
    assert Gate(Inventory.from_json(value), clock=clock).check(launch).verdict.quota == "fits"
    assert Gate(Inventory.from_json(inventory("may-be-held")), clock=clock).check(launch).verdict.quota == "unknown"
    del value["projects"]["project-e00test"]["allowances"]["tenant"]["rows"][0]["held"]
    with pytest.raises(InvalidInventory, match="held"):
        Inventory.from_json(value)


class Still:
    """A live account in which nothing changes."""

    def __init__(self, name: str) -> None:
        self._inventory = Inventory.from_json(inventory(name))

    def inventory(self) -> Inventory:
        return self._inventory

    def refresh(self, project=None) -> Inventory:
        return self._inventory

    def expire(self) -> None:
        pass

    def asked_since(self, instant) -> bool:
        return False


def test_what_a_restart_holds_is_a_band():
    verifier = Verifier(Still("states"))
    gate = Gate(verifier, clock=lambda: 1790000000000)
    profile = Profile(project="project-e00active", reservation="forbid")

    def quota(count: int) -> str:
        return gate.check(Launch(EIGHT_H200, count, profile)).verdict.quota

    assert [quota(count) for count in (1, 2, 3)] == ["fits", "fits", "blocked"]
    restart = Launch(EIGHT_H200, 1, Profile(project="project-e00active", reservation="forbid", restart=True))
    verified = verifier.verify(gate, restart)
    assert [quota(count) for count in (1, 2, 3)] == ["fits", "unknown", "blocked"]
    verified.release()
    verifier.verify(gate, Launch(EIGHT_H200, 1, profile))
    assert [quota(count) for count in (1, 2)] == ["fits", "blocked"]


def test_what_is_held_of_a_reservation_counts_against_the_share_of_its_project():
    verifier = Verifier(Still("shared"))
    gate = Gate(verifier, clock=lambda: 1790000000000)

    def launch(project: str) -> Launch:
        return Launch(EIGHT_H200, 1, Profile(project=project, reservation="strict"))

    names = ("project-e00test", "project-e00other", "project-e00third")
    verifier.verify(gate, launch(names[1]))
    quotas = [gate.check(launch(name)).verdict.quota for name in names]
    # What was held before is replaced: the first project has its share again.
    assert quotas == ["fits", "blocked", "fits"]


def test_a_million_offers_are_judged_or_refused(gate):
    few = gate.inventory().offers()
    many = (few * (1_000_000 // len(few) + 1))[:1_000_000]
    assert len(gate.filter(many)) == 1_000_000
    different = gate.filter([Offer(f"type {number}", "eu-north1") for number in range(25_000)])
    assert [item.offer.instance_type for item in different] == [f"type {number}" for number in range(25_000)]
    assert all(item.verdict.findings[0].reason == "not-offered" for item in different)
    with pytest.raises(TooLarge):
        gate.assess_json(" " * (quotagate.plugin.MAXIMUM_REQUEST_BYTES + 1))
    assert gate.check(Launch(EIGHT_H200)).verdict.quota == "blocked"


def test_a_broken_call_makes_verdicts_unknown_and_the_next_one_right(gate, monkeypatch):
    """A call that runs out of steps breaks its instance: it is not used again."""
    with monkeypatch.context() as patch:
        patch.setattr(quotagate.plugin, "STEPS", 1_000)
        patch.setattr(quotagate.plugin, "STEPS_PER_BYTE", 0)
        verdict = gate.check(Launch(EIGHT_H200)).verdict
    assert verdict.quota == "unknown" and "not judged" in (verdict.findings[0].detail or "")
    assert gate.check(Launch(EIGHT_H200)).verdict.quota == "blocked"


def test_the_component_is_compiled_once_and_kept(tmp_path):
    Plugin(COMPONENT, cache_directory=tmp_path)
    [kept] = tmp_path.iterdir()
    assert kept.suffix == ".cwasm" and kept.stat().st_mode & 0o077 == 0
    kept.write_bytes(b"rubbish")
    assert Plugin(COMPONENT, cache_directory=tmp_path).descriptor.cloud == "nebius"


def test_many_threads_may_make_the_first_gate_at_once():
    barrier = threading.Barrier(8)

    def make(_):
        barrier.wait()
        return Plugin.nebius()

    with ThreadPoolExecutor(8) as threads:
        assert len({id(plugin) for plugin in threads.map(make, range(8))}) == 1


def test_the_example_is_what_the_page_shows_and_runs():
    example = Path(__file__).parents[1] / "example.py"
    assert f"```python\n{example.read_text()}```" in (example.parent / "README.md").read_text()
    ran = subprocess.run([sys.executable, str(example), str(ACME)], capture_output=True, text=True, check=True)
    assert "no quota: compute.instance.gpu.h200" in ran.stdout
