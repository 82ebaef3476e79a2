"""The facade: a plugin and an inventory, put together."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from .errors import AmbiguousProject, InvalidLaunch, PluginFailed, TooLarge
from .inventory import NOTHING, Inventory
from .plugin import Plugin
from .types import (
    Admission,
    BreakingLaunch,
    Diagnosis,
    Finding,
    Launch,
    Offer,
    Policy,
    Profile,
    Verdict,
    admission_from_json,
    diagnosis_from_json,
    verdict_from_json,
)

MAXIMUM_OFFERS = 1_000_000
"""The most different offers that one list may hold."""
_BATCH = 10_000
"""Offers that a plugin is asked about at once: a judgement takes far more room than an offer."""


class InventorySource(Protocol):
    """Where a gate takes its inventory from: asked in every call, so it answers from memory."""

    def inventory(self) -> Inventory:
        """The account as it is known now."""


@dataclass(frozen=True)
class JudgedOffer:
    """One offer, judged."""

    offer: Any
    """The offer as it was given."""
    index: int
    """Its place in the list that was asked about."""
    project: str
    """The project it was judged in; empty where the account has none in the offer's region."""
    verdict: Verdict
    """The judgement; equal offers share it."""


@dataclass(frozen=True)
class Check:
    """What a gate says about one launch."""

    launch: Launch
    """The launch, with its project filled in."""
    verdict: Verdict


@dataclass(frozen=True)
class PlanCheck:
    """What a gate says about launches together."""

    plan: tuple[Launch, ...]
    """The launches, with their projects filled in."""
    admission: Admission


class Gate:
    """Judges what an account can launch. Every method can be called from many threads at once, and waits for no network:
    the ``_async`` twins only keep the event loop free while the plugin thinks."""

    def __init__(
        self,
        inventory: Inventory | InventorySource,
        *,
        plugin: Plugin | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        """Puts an inventory, or where to take one from, and a plugin together: the one for Nebius, unless another is
        given. ``clock`` gives milliseconds since the Unix epoch."""
        self._source = inventory
        self._plugin = plugin or Plugin.nebius()
        self._clock = clock or (lambda: time.time_ns() // 1_000_000)

    @property
    def plugin(self) -> Plugin:
        """The plugin in force."""
        return self._plugin

    def inventory(self) -> Inventory:
        """The account as it is known now."""
        return self._source if isinstance(self._source, Inventory) else self._source.inventory()

    def filter(
        self,
        offers: Iterable[Any],
        *,
        count: int = 1,
        profile: Profile = Profile(),
        policy: Policy = Policy(),
    ) -> list[JudgedOffer]:
        """Judges each offer alone: could ``count`` instances of it be launched now, each with ``profile``?

        An offer is anything with ``instance_type``, ``region`` and ``lifecycle``: an ``Offer``, another object, or a
        mapping. Where the profile names a project, every offer is judged in it, otherwise in each project of the offer's
        region. Gives an item per offer and project, in the order of the offers; ``verdict.visible`` says whether the
        policy shows it. A plugin that breaks makes verdicts unknown.

        Raises ``InvalidLaunch`` where the question or an offer makes no sense, ``TooLarge`` beyond ``MAXIMUM_OFFERS``.
        """
        inventory = self.inventory()
        given = list(offers)
        places: dict[str, dict[Offer, list[int]]] = {}
        here: dict[str, list[str]] = {}
        for index, offer in enumerate(given):
            asked = _offer(offer, index)
            if profile.project:
                projects = [profile.project]
            else:
                # Judged all the same where there is none: the plugin says that nothing is offered there.
                projects = here.setdefault(asked.region, inventory.projects_in(asked.region) or [""])
            for project in projects:
                places.setdefault(project, {}).setdefault(asked, []).append(index)
        judged: list[JudgedOffer] = []
        for project, indices_by_offer in places.items():
            if len(indices_by_offer) > MAXIMUM_OFFERS:
                raise TooLarge(f"a list may hold {MAXIMUM_OFFERS} different offers, this one holds {len(indices_by_offer)}")
            verdicts = self._assess(inventory, list(indices_by_offer), count, replace(profile, project=project), policy)
            for indices, verdict in zip(indices_by_offer.values(), verdicts):
                judged.extend(JudgedOffer(given[index], index, project, verdict) for index in indices)
        judged.sort(key=lambda item: (item.index, item.project))
        return judged

    def check(self, launch: Launch, *, policy: Policy = Policy()) -> Check:
        """Judges one launch by what is known now. A profile without a project means the one project of its region.

        Raises ``InvalidLaunch`` where it makes no sense, ``AmbiguousProject`` where its region has several projects and it
        names none.
        """
        inventory = self.inventory()
        launch = _with_project(inventory, launch)
        [verdict] = self._assess(inventory, [launch.offer], launch.count, launch.profile, policy)
        return Check(launch, verdict)

    def admit(self, plan: Sequence[Launch], *, policy: Policy = Policy()) -> PlanCheck:
        """Judges launches together, in their order: they draw on the same rows. Raises as :meth:`check` does."""
        inventory = self.inventory()
        launches = tuple(_with_project(inventory, launch) for launch in plan)
        request = {"plan": [asdict(launch) for launch in launches], "policy": asdict(policy)}
        try:
            admission = admission_from_json(self._ask("admit-json", request, inventory))
        except PluginFailed as error:
            first = launches[0] if launches else Launch(Offer("", ""))
            verdict = _unknown(first.offer, first.count, policy, error)
            admission = Admission(verdict, (), (), BreakingLaunch(0, None))
        return PlanCheck(launches, admission)

    def diagnose(self, error: str | Mapping[str, Any]) -> Diagnosis:
        """Says what a launch error means: JSON as the cloud's own tools print it (an operation, a status or a bare error).

        ``quotagate.nebius.failure`` makes it of an exception of the official SDK. Raises ``InvalidJson`` where it is none.
        """
        text = error if isinstance(error, str) else _write(error)
        return diagnosis_from_json(_read(self.diagnose_json(text)))

    def assess_json(self, request: str) -> str:
        """The plugin's own ``assess-json`` (``wit/gate.wit``): text in, text out."""
        return self._plugin.call("assess-json", request, self.inventory(), self._clock())

    def admit_json(self, request: str) -> str:
        """The plugin's own ``admit-json``."""
        return self._plugin.call("admit-json", request, self.inventory(), self._clock())

    def diagnose_json(self, error: str) -> str:
        """The plugin's own ``diagnose-json``."""
        return self._plugin.call("diagnose-json", error, NOTHING, self._clock())

    async def filter_async(
        self,
        offers: Iterable[Any],
        *,
        count: int = 1,
        profile: Profile = Profile(),
        policy: Policy = Policy(),
    ) -> list[JudgedOffer]:
        """:meth:`filter` on another thread."""
        return await asyncio.to_thread(self.filter, offers, count=count, profile=profile, policy=policy)

    async def check_async(self, launch: Launch, *, policy: Policy = Policy()) -> Check:
        """:meth:`check` on another thread."""
        return await asyncio.to_thread(self.check, launch, policy=policy)

    async def admit_async(self, plan: Sequence[Launch], *, policy: Policy = Policy()) -> PlanCheck:
        """:meth:`admit` on another thread."""
        return await asyncio.to_thread(self.admit, plan, policy=policy)

    def _assess(
        self, inventory: Inventory, offers: list[Offer], count: int, profile: Profile, policy: Policy
    ) -> list[Verdict]:
        """A verdict for each offer, in their order. Offers are judged alone, so it does not matter in which batch."""
        verdicts: list[Verdict] = []
        for start in range(0, len(offers), _BATCH):
            verdicts += self._assess_batch(inventory, offers[start : start + _BATCH], count, profile, policy)
        return verdicts

    def _assess_batch(
        self, inventory: Inventory, offers: list[Offer], count: int, profile: Profile, policy: Policy
    ) -> list[Verdict]:
        request = {
            # asdict takes longer than the judgement.
            "offers": [offer.__dict__ for offer in offers],
            "count": count,
            "profile": asdict(profile),
            "policy": asdict(policy),
        }
        try:
            answer = self._ask("assess-json", request, inventory)
            items = answer.get("verdicts") if isinstance(answer, dict) else None
            if not isinstance(items, list) or len(items) != len(offers):
                raise PluginFailed(f"the plugin was asked about {len(offers)} offers and did not answer for each")
            return [verdict_from_json(item) for item in items]
        except PluginFailed as error:
            return [_unknown(offer, count, policy, error) for offer in offers]

    def _ask(self, function: str, request: Mapping[str, Any], inventory: Inventory) -> Any:
        return _read(self._plugin.call(function, _write(request), inventory, self._clock()))


def _offer(offer: Any, index: int) -> Offer:
    """What the contract has of an offer; prices and the like are the caller's own."""
    if isinstance(offer, Offer):
        return offer
    fields = []
    for name in ("instance_type", "region", "lifecycle"):
        value = offer.get(name) if isinstance(offer, Mapping) else getattr(offer, name, None)
        if not isinstance(value, str):
            raise InvalidLaunch(f"offer {index} has no text `{name}`: it is {value!r:.60}")
        fields.append(value)
    return Offer(fields[0], fields[1], fields[2])  # type: ignore[arg-type] # the plugin refuses an unknown lifecycle


def _with_project(inventory: Inventory, launch: Launch) -> Launch:
    """The launch in its project: the one it names, else the one project of its region; empty where there is none."""
    if launch.profile.project:
        return launch
    here = inventory.projects_in(launch.offer.region)
    if len(here) > 1:
        region, names = launch.offer.region, ", ".join(here)
        raise AmbiguousProject(f"{region} has several projects, so the launch must name one: {names}")
    return replace(launch, profile=replace(launch.profile, project=here[0] if here else ""))


def _unknown(offer: Offer, count: int, policy: Policy, error: Exception) -> Verdict:
    """What is said of an offer that the plugin failed to judge: nothing is known of it."""
    finding = Finding(
        reason="not-checked",
        outcome="unknown",
        quota=None,
        scope=None,
        owner=None,
        region=offer.region,
        unit="instance",
        required=count,
        limit=None,
        usage=None,
        held=0,
        headroom=None,
        shortfall=None,
        minimum_limit=None,
        detail=f"not judged: {error}",
        remedy=None,
        rule=None,
    )
    return Verdict("unknown", "unknown", "unknown", None, policy.strictness != "strict", (finding,))


def _write(request: Any) -> str:
    try:
        return json.dumps(request, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidLaunch(f"the request cannot be written as JSON: {error}") from error


def _read(answer: str) -> Any:
    try:
        return json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise PluginFailed(f"the plugin's answer is no JSON: {error}") from error
