"""Which runs the policy rejects, asked by dstack's own code; `test_server.py` shows the words on a terminal."""

import asyncio

import pytest
from dstack._internal.core.errors import ServerClientError
from dstack._internal.core.models.backends.base import BackendType
from dstack._internal.core.models.configurations import TaskConfiguration
from dstack._internal.core.models.instances import InstanceAvailability
from dstack._internal.core.models.runs import RunSpec
from dstack._internal.server.services.plugins import apply_plugin_policies
from offers import DENIED, EIGHT_H200, offer_of

FITTING = "cpu-d3 4vcpu-16gb"


@pytest.fixture
def apply(integration, monkeypatch):
    """A function that applies a run, of which dstack has planned these offers for one job."""

    def run(ours, offers):
        from quotagate import _dstack_policy

        async def planned(*_):
            return _dstack_policy._Planned(ours.compute(), [offers])

        monkeypatch.setattr(_dstack_policy, "_planned", planned)
        return submit()

    return run


def submit():
    spec = RunSpec(configuration=TaskConfiguration(commands=["nvidia-smi"]))
    applied = asyncio.run(apply_plugin_policies(user="admin", project="main", spec=spec))
    assert applied is spec
    return applied


def of(offer, backend=None, availability=None):
    """The offer, as another backend would make it, or in another state."""
    return offer.model_copy(
        update={"backend": backend or offer.backend, "availability": availability or offer.availability}
    )


def test_a_run_without_quota_is_rejected(apply, backend):
    ours = backend()
    with pytest.raises(ServerClientError, match="needs 8, 2 free, 30 of 32 used, a limit of 38 would do"):
        apply(ours, [offer_of(ours, EIGHT_H200)])


def test_a_run_passes_with_one_offer_that_may_be_tried(apply, backend):
    ours = backend()
    blocked = offer_of(ours, EIGHT_H200)
    for other in (
        offer_of(ours, FITTING),
        of(blocked, BackendType.AWS, InstanceAvailability.UNKNOWN),
        of(blocked, availability=InstanceAvailability.IDLE),
        of(blocked, availability=InstanceAvailability.BUSY),
    ):
        assert apply(ours, [blocked, other])
    assert apply(ours, [])


def test_an_offer_of_another_backend_that_dstack_does_not_try_saves_no_run(apply, backend):
    ours = backend()
    blocked = offer_of(ours, EIGHT_H200)
    with pytest.raises(ServerClientError, match="no quota for 1 of its 2 offers, and the others are not available"):
        apply(ours, [blocked, of(blocked, BackendType.AWS, InstanceAvailability.NO_QUOTA)])


def test_what_dstack_still_lists_without_quota_is_judged_anew(apply, backend):
    """dstack keeps its list for minutes, and a quota may have been raised since."""
    ours = backend()
    assert apply(ours, [of(offer_of(ours, FITTING), availability=InstanceAvailability.NO_QUOTA)])


def test_quotas_that_cannot_be_read_reject_nothing(apply, backend):
    ours = backend(DENIED)
    assert apply(ours, [offer_of(ours, EIGHT_H200)])


def test_in_shadow_mode_it_only_talks(apply, backend, monkeypatch, caplog):
    monkeypatch.setenv("QUOTAGATE_DSTACK", "shadow")
    caplog.set_level("INFO", "dstack.plugins.quotagate")
    ours = backend()
    assert apply(ours, [offer_of(ours, EIGHT_H200)])
    assert "would reject a run of main: The run cannot start" in caplog.text


def test_a_plan_that_fails_rejects_nothing(integration, monkeypatch, caplog):
    async def fails(*_):
        raise RuntimeError("out of order")

    monkeypatch.setattr("quotagate._dstack_policy._planned", fails)
    assert submit()
    assert "could not judge a run; it passes" in caplog.text and "out of order" in caplog.text


def test_a_plan_that_hangs_rejects_nothing(integration, monkeypatch, caplog):
    ended = []

    async def hangs(*_):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    monkeypatch.setattr("quotagate._dstack_policy._planned", hangs)
    monkeypatch.setattr("quotagate._dstack_policy._PLAN_TAKES", 0.1)
    assert submit()
    assert "could not judge a run; it passes" in caplog.text
    assert ended, "it is not left hanging"
