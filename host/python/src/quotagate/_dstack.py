"""The judge of dstack's Nebius offers and launches.

This module imports dstack's own modules, which any release may move: import it under a guard.
"""

from __future__ import annotations

import functools
import inspect
import logging
import threading
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from dstack._internal.core.backends.nebius import resources
from dstack._internal.core.backends.nebius.compute import NebiusCompute, NebiusPlacementGroupBackendData
from dstack._internal.core.errors import NoCapacityError, SkipOffer
from dstack._internal.core.models.instances import InstanceAvailability

from ._mode import mode
from ._needs import Missing, require
from .dstack import SETTING, logger
from .gate import Gate
from .nebius import NebiusAccount, failure
from .types import Availability, Disk, Launch, Offer, Policy, Profile, Verdict
from .verify import Verification, Verifier
from .words import reason, sentence

_NEEDS = (
    (NebiusCompute, "get_all_offers_with_availability"),
    (NebiusCompute, "create_instance"),
    (NebiusCompute, "_region_to_project_id"),
    (NebiusCompute, "_sdk"),
    (NebiusPlacementGroupBackendData, "load"),
    (resources, "LOOP"),
    (resources, "REQUEST_AUTH_OPTIONS"),
)
"""What is used of dstack beside the names above; it promises none of it."""
_AVAILABILITY: Mapping[Availability, str] = {
    "available": "available",
    "no_quota": "no_quota",
    "no_capacity": "not_available",
    "unknown": "unknown",
}
"""How dstack spells each of ours."""
_POLICY = Policy(strictness="advisory", max_age_ms=15 * 60 * 1_000)
_FRESH_ENOUGH = 30.0
"""Seconds for which a list of offers is judged by the same quotas; dstack itself asks every 180 seconds."""
_LIST_WAITS = 5.0
"""Seconds that a list waits for quotas to be read again, before it is judged by what is known."""
_CALL_TAKES = 10.0
"""Seconds that a call may take, as dstack's own."""


class Judge:
    """What is kept for one Nebius backend of dstack, with its credentials."""

    def __init__(self, compute: Any) -> None:
        self._project_by_region: Mapping[str, str] = dict(compute._region_to_project_id)
        self._account = NebiusAccount(
            compute._sdk,
            projects=sorted(self._project_by_region.values()),
            refresh_interval=_FRESH_ENOUGH,
            timeout=_CALL_TAKES,
            first_wait=_LIST_WAITS,
            # The SDK belongs to dstack's loop, and dstack's options keep bad credentials from being tried for ever.
            run=resources.LOOP.await_,
            call_options={"auth_options": resources.REQUEST_AUTH_OPTIONS},
        )
        self._verifier = Verifier(self._account)
        self.gate = Gate(self._verifier)

    def verdicts(self, offers: list[Any]) -> list[Verdict | None]:
        """One for each offer of dstack, in their order; None in a region that has no project."""
        self._account.inventory(wait=_LIST_WAITS)
        # Launches from a list are judged with their disk and addresses, of which many offers have the same.
        alike: defaultdict[tuple[str, Profile], list[int]] = defaultdict(list)
        for index, offer in enumerate(offers):
            alike[offer.region, self._profile(offer, None)].append(index)
        verdicts: list[Verdict | None] = [None] * len(offers)
        for (_, profile), indices in alike.items():
            if not profile.project:
                continue
            for item in self.gate.filter([_offer(offers[index]) for index in indices], profile=profile, policy=_POLICY):
                verdicts[indices[item.index]] = item.verdict
        return verdicts

    def verify(self, offer: Any, placement_group: Any) -> Verification:
        """The verdict on one instance, by what is read now."""
        launch = Launch(_offer(offer), 1, self._profile(offer, placement_group))
        return self._verifier.verify(self.gate, launch, policy=_POLICY)

    def expire(self) -> None:
        """The cloud refused what was thought to fit: what is known is wrong."""
        self._account.expire()

    def _profile(self, offer: Any, placement_group: Any) -> Profile:
        """What dstack creates with an instance: a boot disk, a private address, and a public one that stays."""
        disk = offer.instance.resources.disk
        disks = (Disk("network-ssd", disk.size_mib << 20),) if disk is not None and disk.size_mib else ()
        return Profile(
            project=self._project_by_region.get(offer.region, ""),
            disks=disks,
            private_addresses=1,
            static_public_addresses=1,
            fabric=_fabric(placement_group),
        )


def _offer(offer: Any) -> Offer:
    return Offer(
        instance_type=offer.instance.name,
        region=offer.region,
        lifecycle="preemptible" if offer.instance.resources.spot else "on-demand",
    )


def _fabric(placement_group: Any) -> str | None:
    """The fabric of a cluster that exists already; the instance must be placed there."""
    data = getattr(placement_group, "provisioning_data", None)
    if data is None or not data.backend_data:
        return None
    cluster = NebiusPlacementGroupBackendData.load(data.backend_data).cluster
    fabric: str | None = getattr(cluster, "fabric", None)
    return fabric


_judges: weakref.WeakKeyDictionary[Any, Judge] = weakref.WeakKeyDictionary()
_judges_lock = threading.Lock()
_originals: dict[str, Callable[..., Any]] = {}


def judge_of(compute: Any) -> Judge:
    """The judge of a backend; dstack makes another backend where its configuration or credentials change."""
    with _judges_lock:
        judge = _judges.get(compute)
    if judge is None:
        # Outside the lock: it asks the cloud for the projects.
        made = Judge(compute)
        with _judges_lock:
            judge = _judges.setdefault(compute, made)
    return judge


def enable() -> None:
    """Wraps the two methods. Does nothing a second time. Raises ``Missing`` where dstack lacks something."""
    if _originals:
        return
    require(_NEEDS)
    lacking = set(_AVAILABILITY.values()) - {known.value for known in InstanceAvailability}
    if lacking:
        raise Missing(f"its offers cannot be {', '.join(sorted(lacking))}")
    _originals["offers"] = NebiusCompute.get_all_offers_with_availability
    _originals["create"] = NebiusCompute.create_instance
    NebiusCompute.get_all_offers_with_availability = _with_judgement(_originals["offers"])
    NebiusCompute.create_instance = _with_verification(_originals["create"])
    logger.info("quotagate judges Nebius offers: mode %s", mode(SETTING))


def disable() -> None:
    """Puts dstack's own methods back."""
    if _originals:
        NebiusCompute.get_all_offers_with_availability = _originals.pop("offers")
        NebiusCompute.create_instance = _originals.pop("create")


def _with_judgement(original: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    @functools.wraps(original)
    def get_all_offers_with_availability(self: Any, *arguments: Any, **options: Any) -> list[Any]:
        offers = original(self, *arguments, **options)
        try:
            verdicts = judge_of(self).verdicts(offers)
            judged = [InstanceAvailability(_AVAILABILITY[found.availability if found else "unknown"]) for found in verdicts]
            logger.debug("judged %d Nebius offers: %s", len(offers), dict(Counter(found.value for found in judged)))
            if mode(SETTING) == "on":
                for offer, availability in zip(offers, judged):
                    offer.availability = availability
        except Exception:
            logger.exception("could not judge the Nebius offers; they are shown as without quotagate")
        return offers

    return get_all_offers_with_availability


def _with_verification(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def create_instance(self: Any, *arguments: Any, **options: Any) -> Any:
        try:
            is_on = mode(SETTING) == "on"
            given = inspect.signature(original).bind(self, *arguments, **options).arguments
            offer = given["instance_offer"]
            verification = judge_of(self).verify(offer, given.get("placement_group"))
            told = f"{offer.instance.name} in {offer.region}: {reason(verification.verdict)}"
        except Exception:
            logger.exception("could not verify a launch on Nebius; it goes on")
            return original(self, *arguments, **options)
        if verification.is_blocked and is_on:
            raise SkipOffer(told)
        if verification.verdict.quota != "fits":
            level = logging.WARNING if verification.is_blocked else logging.INFO
            logger.log(level, "launching all the same: %s", told)
        try:
            with verification:
                return original(self, *arguments, **options)
        except NoCapacityError as error:
            raise _explained(self, error) from error

    return create_instance


def _explained(compute: Any, error: NoCapacityError) -> NoCapacityError:
    """dstack's error, with what the cloud's one meant before what it said."""
    try:
        judge = judge_of(compute)
        judge.expire()
        diagnosis = judge.gate.diagnose(failure(error))
    except Exception:
        logger.exception("could not say what a launch error of Nebius means")
        return error
    parts = [f"Nebius refused it for want of {diagnosis.kind}" if diagnosis.kind in ("quota", "capacity") else diagnosis.kind]
    parts += [sentence(finding) for finding in diagnosis.findings]
    if diagnosis.remedy:
        parts.append(f"to do: {diagnosis.remedy}")
    return NoCapacityError(f"{'; '.join(parts)} ({error})")
