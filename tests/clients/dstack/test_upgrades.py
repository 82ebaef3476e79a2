"""Another version of dstack, simulated: whatever it lacks or adds, its server starts and its launches go on."""

import asyncio
import enum
import importlib
import sys

import pytest
import quotagate
from dstack._internal.core.backends.nebius import resources
from dstack._internal.core.backends.nebius.compute import NebiusCompute
from dstack._internal.core.errors import SkipOffer
from dstack._internal.core.models import instances
from dstack._internal.server.services import plugins
from dstack.plugins import ApplyPolicy
from offers import EIGHT_H200, offer_of

METHODS = ("get_all_offers_with_availability", "create_instance")
RENAMED = enum.Enum(
    "InstanceAvailability",
    {known.name: known.value for known in instances.InstanceAvailability if known.name != "NO_QUOTA"} | {"QUOTA": "quota"},
)


@pytest.fixture
def load(monkeypatch):
    """dstack's own loader of plugins. Ours is imported anew, as in a server that starts."""
    for name in ("dstack", "_dstack", "_dstack_policy"):
        monkeypatch.delitem(sys.modules, f"quotagate.{name}", raising=False)
        monkeypatch.delattr(quotagate, name, raising=False)
    yield lambda: plugins.load_plugins(["quotagate"])
    if (module := sys.modules.get("quotagate._dstack")) is not None:
        module.disable()
    plugins.load_plugins([])


async def policies():
    return plugins._get_apply_policies()


@pytest.mark.parametrize(
    "change, told",
    [
        pytest.param(lambda patch: patch.delattr(resources, "LOOP"), "nebius.resources.LOOP", id="a constant is gone"),
        pytest.param(lambda patch: patch.delattr(resources, "REQUEST_AUTH_OPTIONS"), "REQUEST_AUTH_OPTIONS", id="another is gone"),
        pytest.param(
            lambda patch: patch.delattr(NebiusCompute, "_region_to_project_id"), "NebiusCompute._region_to_project_id", id="a property is gone"
        ),
        pytest.param(lambda patch: patch.delattr(NebiusCompute, "_sdk"), "NebiusCompute._sdk", id="the SDK is gone"),
        pytest.param(
            lambda patch: patch.setattr(instances, "InstanceAvailability", RENAMED), "cannot be no_quota", id="a state has another name"
        ),
        pytest.param(
            lambda patch: patch.setitem(sys.modules, "dstack._internal.core.backends.nebius.compute", None),
            "dstack._internal.core.backends.nebius.compute",
            id="a module is gone",
        ),
        pytest.param(lambda patch: patch.delattr("dstack._internal.core.errors.SkipOffer"), "SkipOffer", id="an error is gone"),
    ],
)
def test_dstack_starts_when_it_lacks_something_and_the_log_names_it(load, change, told, monkeypatch, caplog):
    change(monkeypatch)
    before = [NebiusCompute.__dict__.get(name) for name in METHODS]
    load()
    assert "quotagate does not work with this version of dstack and leaves it alone" in caplog.text
    assert told in caplog.text
    assert before == [NebiusCompute.__dict__.get(name) for name in METHODS]
    assert asyncio.run(policies()) == []


@pytest.mark.parametrize(
    "change, told",
    [
        pytest.param(
            lambda patch: patch.delattr("dstack._internal.server.services.runs.plan.get_job_plans"), "get_job_plans", id="a function is gone"
        ),
        pytest.param(lambda patch: patch.delattr("dstack.plugins.ApplyPolicy"), "ApplyPolicy", id="policies are gone"),
        pytest.param(lambda patch: patch.delattr(ApplyPolicy, "on_run_apply"), "ApplyPolicy.on_run_apply", id="the policy of runs is gone"),
    ],
)
def test_without_what_the_policy_needs_offers_are_judged_all_the_same(load, backend, change, told, monkeypatch, caplog):
    change(monkeypatch)
    load()
    assert "quotagate does not work with this version of dstack and rejects no run for it" in caplog.text
    assert told in caplog.text
    assert asyncio.run(policies()) == []
    assert offer_of(backend(), EIGHT_H200).availability.value == "no_quota"


def test_new_parameters_are_passed_on(load, backend, monkeypatch):
    launched = []

    def create_instance(self, instance_offer, instance_config, placement_group, volumes, *, tags=None):
        launched.append((instance_offer.instance.name, instance_config, placement_group, volumes, tags))
        return "launched"

    monkeypatch.setattr(NebiusCompute, "create_instance", create_instance)
    load()
    ours = backend()
    compute = ours.compute()
    fitting = offer_of(ours, "cpu-d3 4vcpu-16gb")
    assert compute.create_instance(fitting, "configuration", None, ["volume"], tags={"a": "b"}) == "launched"
    assert launched == [("cpu-d3 4vcpu-16gb", "configuration", None, ["volume"], {"a": "b"})]
    with pytest.raises(SkipOffer):
        compute.create_instance(
            instance_config="configuration", placement_group=None, volumes=[], instance_offer=offer_of(ours, EIGHT_H200)
        )


def test_a_launch_with_other_parameters_goes_on(load, backend, monkeypatch, caplog):
    monkeypatch.setattr(NebiusCompute, "create_instance", lambda self, request: f"launched {request}")
    load()
    assert backend().compute().create_instance("it") == "launched it"
    assert "could not verify a launch on Nebius; it goes on" in caplog.text


def test_a_policy_that_is_asked_otherwise_lets_runs_pass(load, monkeypatch, caplog):
    monkeypatch.setattr(ApplyPolicy, "on_run_apply", lambda self, request, spec: f"applied {spec}")
    load()
    [policy] = asyncio.run(policies())
    assert policy.on_run_apply("a request", spec="it") == "applied it"
    assert "could not judge a run; it passes" in caplog.text


def test_a_setting_that_is_no_mode_leaves_dstack_alone_and_is_named(load, backend, monkeypatch, caplog):
    monkeypatch.setenv("QUOTAGATE_DSTACK", "disabled")
    load()
    assert "quotagate is off: QUOTAGATE_DSTACK is 'disabled': give on, shadow or off" in caplog.text
    assert offer_of(backend(), EIGHT_H200).availability.value == "unknown"
    assert asyncio.run(policies()) == []


def test_the_module_can_be_imported_where_dstack_has_no_plugins(monkeypatch):
    monkeypatch.setitem(sys.modules, "dstack.plugins", None)
    monkeypatch.delitem(sys.modules, "quotagate.dstack", raising=False)
    assert importlib.import_module("quotagate.dstack").QuotagatePlugin
