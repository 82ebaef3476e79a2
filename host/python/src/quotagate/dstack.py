"""dstack shows which Nebius offers have quota, and refuses launches that are bound to fail, with the reason.

Install ``quotagate[dstack]`` beside the dstack server, and name the plugin in ``~/.dstack/server/config.yml``::

    plugins:
      - quotagate

- Offers of the Nebius backend get ``available``, ``no_quota``, ``not_available`` or ``unknown``, for the projects and regions
  that the backend is configured with. They are judged where dstack fills its own cache of offers, so as often as that.
- Just before an instance is created, the quotas are read again. Where one is too small, dstack's own ``SkipOffer`` is raised
  with the reason, and nothing is created; what a launch takes is held until it is over.
- When the cloud refuses after all, the error says what it meant.

Nothing of dstack's files is changed: two methods of its ``NebiusCompute`` are wrapped in memory. ``QUOTAGATE_DSTACK=off``
leaves dstack alone, ``QUOTAGATE_DSTACK=shadow`` only logs what would have been said. Whatever fails here is logged, and
dstack goes on as without this plugin.
"""

from __future__ import annotations

import functools
import logging
import threading
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from dstack._internal.core.backends.nebius import resources
from dstack._internal.core.backends.nebius.compute import NebiusCompute
from dstack._internal.core.errors import NoCapacityError, SkipOffer
from dstack._internal.core.models.instances import InstanceAvailability
from dstack.plugins import ApplyPolicy, Plugin

from ._mode import mode
from .gate import Gate
from .nebius import NebiusAccount, failure
from .types import Availability, Disk, Launch, Offer, Policy, Profile
from .verify import Verification, Verifier
from .words import reason, sentence

logger = logging.getLogger("dstack.plugins.quotagate")

SETTING = "QUOTAGATE_DSTACK"
"""The environment variable that turns this off, or makes it only log."""

_AVAILABILITY: Mapping[Availability, InstanceAvailability] = {
    "available": InstanceAvailability.AVAILABLE,
    "no_quota": InstanceAvailability.NO_QUOTA,
    "no_capacity": InstanceAvailability.NOT_AVAILABLE,
    "unknown": InstanceAvailability.UNKNOWN,
}
_POLICY = Policy(strictness="advisory", max_age_ms=15 * 60 * 1_000)
_FRESH_ENOUGH = 30.0
"""Seconds for which a list of offers is judged by the same quotas; dstack itself asks every 180 seconds."""
_LIST_WAITS = 5.0
"""Seconds that a list waits for quotas to be read again, before it is judged by what is known."""
_CALL_TAKES = 10.0
"""Seconds that a call may take, as dstack's own."""


class QuotagatePlugin(Plugin):  # type: ignore[misc] # dstack has no types
    """What dstack loads. It has no policies on specs: it works where offers and instances are made."""

    def __init__(self) -> None:
        try:
            enable()
        except Exception:
            logger.exception("quotagate does not know this version of dstack, and leaves it alone")

    def get_apply_policies(self) -> list[ApplyPolicy]:
        """None."""
        return []


class _Judge:
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

    def availabilities(self, offers: list[Any]) -> list[InstanceAvailability]:
        """One for each offer of dstack, in their order."""
        self._account.inventory(wait=_LIST_WAITS)
        # Launches from a list are judged with their disk and addresses, of which many offers have the same.
        alike: defaultdict[tuple[str, Profile], list[int]] = defaultdict(list)
        for index, offer in enumerate(offers):
            alike[offer.region, self._profile(offer, None)].append(index)
        judged = [InstanceAvailability.UNKNOWN] * len(offers)
        for (_, profile), indices in alike.items():
            if not profile.project:
                continue
            for item in self.gate.filter([_offer(offers[index]) for index in indices], profile=profile, policy=_POLICY):
                judged[indices[item.index]] = _AVAILABILITY[item.verdict.availability]
        return judged

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
    from dstack._internal.core.backends.nebius.compute import NebiusPlacementGroupBackendData

    cluster = NebiusPlacementGroupBackendData.load(data.backend_data).cluster
    fabric: str | None = getattr(cluster, "fabric", None)
    return fabric


_judges: weakref.WeakKeyDictionary[Any, _Judge] = weakref.WeakKeyDictionary()
_judges_lock = threading.Lock()
_originals: dict[str, Callable[..., Any]] = {}


def _judge(compute: Any) -> _Judge:
    """The judge of a backend; dstack makes another backend where its configuration or credentials change."""
    with _judges_lock:
        judge = _judges.get(compute)
    if judge is None:
        # Outside the lock: it asks the cloud for the projects.
        made = _Judge(compute)
        with _judges_lock:
            judge = _judges.setdefault(compute, made)
    return judge


def enable() -> None:
    """Wraps the two methods, unless the setting says ``off``. Does nothing a second time."""
    if mode(SETTING) == "off" or _originals:
        return
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
            judged = _judge(self).availabilities(offers)
        except Exception:
            logger.exception("could not judge the Nebius offers; they are shown as without quotagate")
            return offers
        logger.debug("judged %d Nebius offers: %s", len(offers), dict(Counter(found.value for found in judged)))
        if mode(SETTING) == "on":
            for offer, availability in zip(offers, judged):
                offer.availability = availability
        return offers

    return get_all_offers_with_availability


def _with_verification(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def create_instance(
        self: Any, instance_offer: Any, instance_config: Any, placement_group: Any = None
    ) -> Any:
        def create() -> Any:
            return original(self, instance_offer, instance_config, placement_group)

        try:
            verification = _judge(self).verify(instance_offer, placement_group)
        except Exception:
            logger.exception("could not verify a launch of %s; it goes on", instance_offer.instance.name)
            return create()
        told = f"{instance_offer.instance.name} in {instance_offer.region}: {reason(verification.verdict)}"
        if verification.is_blocked and mode(SETTING) == "on":
            raise SkipOffer(told)
        if verification.verdict.quota != "fits":
            level = logging.WARNING if verification.is_blocked else logging.INFO
            logger.log(level, "launching all the same: %s", told)
        try:
            with verification:
                return create()
        except NoCapacityError as error:
            raise _explained(self, error) from error

    return create_instance


def _explained(compute: Any, error: NoCapacityError) -> NoCapacityError:
    """dstack's error, with what the cloud's one meant before what it said."""
    try:
        judge = _judge(compute)
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
