"""dstack's own Nebius offers and launches, with the integration and without it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from dstack._internal.core.errors import NoCapacityError, NotYetTerminated, SkipOffer
from dstack._internal.core.models.instances import InstanceConfiguration, SSHKey
from dstack._internal.server.services.plugins import load_plugins
from nebius.aio.service_error import RequestError
from offers import DENIED, EIGHT_H200, offer_of, offers_of


def availabilities(offers):
    return Counter(offer.availability.value for offer in offers)


def launch(backend, offer):
    configuration = InstanceConfiguration(
        project_name="main",
        instance_name="test",
        user="somebody",
        ssh_keys=[SSHKey(public="ssh-ed25519 AAAA somebody")],
    )
    return backend.compute().create_instance(offer, configuration, None)


def terminate(backend, launched):
    while True:
        try:
            backend.compute().terminate_instance(
                launched.instance_id, launched.region, launched.backend_data
            )
            return
        except NotYetTerminated:
            pass


def test_without_the_integration_every_offer_is_unknown(backend):
    found = availabilities(offers_of(backend()))
    assert found.keys() == {"unknown"} and found.total() > 50


def test_with_it_offers_say_what_the_account_allows(integration, backend):
    found = availabilities(offers_of(backend()))
    assert found["no_quota"] > 10 and found["available"] > 10 and found["not_available"] > 0
    assert found["unknown"] == 0


def test_no_quota_stands_exactly_where_the_cloud_refuses(integration, backend):
    """Every offer is launched with dstack's own code, past the integration, and the cloud has the last word."""
    from quotagate.dstack import disable

    ours = backend()
    offers = offers_of(ours)
    assert len(offers) > 50
    disable()
    wrong = []
    for offer in offers:
        try:
            launched = launch(ours, offer)
        except NoCapacityError as error:
            assert "quota" in str(error).lower(), error
            refused = True
        except RequestError as error:
            # What the project is not offered: the catalogue knows no better.
            assert error.status.code.name == "INVALID_ARGUMENT", error
            assert offer.availability.value == "not_available", error
            refused = False
        else:
            refused = False
            terminate(ours, launched)
        if refused != (offer.availability.value == "no_quota"):
            wrong.append((offer.instance.name, offer.region, offer.availability.value, refused))
    assert wrong == []


def test_a_launch_without_quota_is_skipped_with_the_reason(integration, backend):
    ours = backend()
    offer = offer_of(ours, EIGHT_H200)
    before = usages(ours)
    with pytest.raises(SkipOffer) as refused:
        launch(ours, offer)
    assert str(refused.value) == (
        "gpu-h200-sxm 8gpu-128vcpu-1600gb in eu-north1: no quota: compute.instance.gpu.h200 in eu-north1 "
        "(tenant tenant-e00acme): needs 8, 2 free, 30 of 32 used, a limit of 38 would do. To do: raise "
        "compute.instance.gpu.h200 in eu-north1 to 38 or more: in the console under Administration, Limits, Quotas, "
        "by an admin; Nebius reviews the request"
    )
    assert usages(ours) == before, "nothing was created"


def usages(backend):
    """What is used of every quota, asked anew."""
    from dstack._internal.core.backends.nebius.resources import LOOP
    from quotagate.nebius import NebiusAccount

    shown = NebiusAccount(backend.compute()._sdk, run=LOOP.await_).inventory().shown_for("project-e00eunorth1")
    return {(row["name"], row["region"]): row["usage"] for row in shown["allowances"]["tenant"]["rows"]}


def test_a_launch_that_the_cloud_refuses_says_what_that_meant(integration, backend):
    """What is known may be wrong by the time of the launch: then the cloud's error is put into words."""
    violation = {
        "quota": "compute.instance.gpu.l40s",
        "limit": "8",
        "requested": "9",
        "message": "Quota limit exceeded",
    }
    ours = backend(
        {
            "method": "InstanceService/Create",
            "status": {
                "code": "RESOURCE_EXHAUSTED",
                "message": "Quota limit exceeded",
                "service_error": {
                    "service": "compute",
                    "code": "QuotaFailure",
                    "quota_failure": {"violations": [violation]},
                },
            },
        }
    )
    offer = next(offer for offer in offers_of(ours) if offer.availability.value == "available")
    with pytest.raises(NoCapacityError) as refused:
        launch(ours, offer)
    told = str(refused.value)
    assert told.startswith("Nebius refused it for want of quota; compute.instance.gpu.l40s"), told
    assert "Quota limit exceeded" in told


def test_of_two_launches_of_the_last_unit_one_is_skipped(integration, backend):
    """One public address is left, and every launch of dstack takes one; four come at once."""
    ours = backend()
    offer = offer_of(ours, "gpu-h200-sxm 1gpu-16vcpu-200gb")

    def attempt(_):
        try:
            return launch(ours, offer).instance_id
        except SkipOffer as skipped:
            return skipped

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(attempt, range(4)))
    skipped = [outcome for outcome in outcomes if isinstance(outcome, SkipOffer)]
    assert len(skipped) == 3, outcomes
    assert all("vpc.ipv4-address.public.count" in str(outcome) for outcome in skipped)


def test_only_configured_projects_and_regions_are_judged(integration, backend):
    ours = backend(projects=["project-e00eunorth1", "project-e00euwest1"], regions=["eu-north1"])
    offers = offers_of(ours)
    assert {offer.region for offer in offers} == {"eu-north1"}
    assert availabilities(offers)["no_quota"] > 5


def test_one_setting_turns_it_off(monkeypatch, backend):
    from quotagate.dstack import disable

    monkeypatch.setenv("QUOTAGATE_DSTACK", "off")
    load_plugins(["quotagate"])
    try:
        assert availabilities(offers_of(backend())).keys() == {"unknown"}
    finally:
        disable()


def test_in_shadow_mode_it_only_talks(monkeypatch, integration, backend, caplog):
    monkeypatch.setenv("QUOTAGATE_DSTACK", "shadow")
    ours = backend()
    offer = offer_of(ours, EIGHT_H200)
    assert offer.availability.value == "unknown"
    with pytest.raises(NoCapacityError):
        launch(ours, offer)
    assert "launching all the same: gpu-h200-sxm 8gpu-128vcpu-1600gb in eu-north1: no quota" in caplog.text


# What cannot be read leaves dstack as it is: offers unknown, launches made.


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([DENIED], id="quotas may not be read"),
        pytest.param([{**DENIED, "status": {"code": "UNAVAILABLE", "message": "try later"}}], id="quotas do not answer"),
        pytest.param([{"method": "QuotaAllowanceService/List", "hang": True}], id="quotas hang"),
        pytest.param([{"method": "QuotaAllowanceService/List", "disconnect": True}], id="the connection breaks"),
    ],
)
def test_quotas_that_cannot_be_read_stand_in_nobodys_way(integration, backend, rules, monkeypatch):
    monkeypatch.setattr("quotagate._dstack._LIST_WAITS", 0.5)
    monkeypatch.setattr("quotagate._dstack._CALL_TAKES", 0.5)
    ours = backend(*rules)
    offers = offers_of(ours)
    assert "no_quota" not in availabilities(offers)
    assert availabilities(offers)["unknown"] > 20
    terminate(ours, launch(ours, offer_of(ours, "cpu-d3 4vcpu-16gb")))


def test_a_list_that_breaks_off_blocks_nothing_it_does_not_show(integration, backend):
    ours = backend(
        {"method": "QuotaAllowanceService/List", "page": 2, **{"status": DENIED["status"]}},
        {"method": "QuotaAllowanceService/List", "page_size": 5},
    )
    truth = {key(offer): offer.availability.value for offer in offers_of(backend())}
    for offer in offers_of(ours):
        assert offer.availability.value in ("unknown", truth[key(offer)])


def key(offer):
    return offer.instance.name, offer.region, offer.instance.resources.spot


@pytest.mark.parametrize("broken", ["quotagate._dstack.NebiusAccount", "quotagate.plugin.Plugin.call", "quotagate._dstack.Gate"])
def test_whatever_fails_of_ours_leaves_dstack_as_it_is(integration, backend, broken, monkeypatch, caplog):
    def fail(*_, **__):
        raise RuntimeError("out of order")

    monkeypatch.setattr(broken, fail)
    ours = backend()
    assert availabilities(offers_of(ours)).keys() == {"unknown"}
    terminate(ours, launch(ours, offer_of(ours, "cpu-d3 4vcpu-16gb")))
    assert "out of order" in caplog.text
