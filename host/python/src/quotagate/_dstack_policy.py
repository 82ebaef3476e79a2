"""The apply policy that rejects a run of dstack without quota, and tells its user the reason.

dstack tries no offer that is marked ``no_quota``. Where a run has no other, dstack says no more than that there are no offers.
This module imports dstack's own modules, which any release may move: import it under a guard.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dstack._internal.core.backends.nebius.compute import NebiusCompute
from dstack._internal.core.errors import ServerClientError
from dstack._internal.core.models.backends.base import BackendType
from dstack._internal.core.models.configurations import ServiceConfiguration
from dstack._internal.core.models.runs import RunSpec
from dstack._internal.server.db import get_session_ctx
from dstack._internal.server.services.backends import get_project_backends
from dstack._internal.server.services.projects import get_project_model_by_name_or_error
from dstack._internal.server.services.runs import get_run_model_by_name
from dstack._internal.server.services.runs.plan import get_job_plans
from dstack._internal.server.services.runs.spec import validate_run_spec_and_set_defaults
from dstack.plugins import ApplyPolicy

from ._dstack import judge_of
from ._mode import mode
from ._needs import require
from .dstack import SETTING, logger
from .types import Verdict
from .words import reason

require([(ApplyPolicy, "on_run_apply")])

_PLAN_TAKES = 20.0
"""Seconds that dstack may take to find the offers of a run, before the run passes unjudged."""
_ALL = 1_000_000
"""More offers than there are: a run is rejected only when each of them is known."""
_NOT_TRIED = ("no_quota", "not_available", "no_balance")
"""States of offers that dstack does not try."""
_IN_A_FLEET = ("idle", "busy")
"""States of offers that are instances of a fleet: they need no quota, and a busy one may become idle."""
_ONLY_LISTED = "scratch"
"""The image that dstack itself gives to specs that are listed (``dstack offer``) and never run."""
_MOST_REASONS = 5


class QuotaPolicy(ApplyPolicy):  # type: ignore[misc] # dstack has no types
    """Rejects a run where dstack would try none of its offers, and a quota provably stands in the way of one or more.

    It leaves alone what may still find an instance: runs that wait for capacity (``retry``), that start later
    (``schedule``, services that scale from zero), and runs that are under way and only updated.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """``loop`` is the one of dstack's server, whose database and backends belong to it."""
        self._loop = loop

    def on_run_apply(self, *arguments: Any, **options: Any) -> Any:
        """dstack calls this on a thread of its own, and shows the text of a ``ValueError`` to the user."""
        why = None
        try:
            given = inspect.signature(ApplyPolicy.on_run_apply).bind(self, *arguments, **options).arguments
            why = self._why_not(given["project"], given["spec"])
            if why is not None and mode(SETTING) != "on":
                logger.info("would reject a run of %s: %s", given["project"], why)
                why = None
        except ServerClientError as error:
            # dstack says the same to the user.
            logger.debug("a run is invalid: %s", error)
        except Exception:
            logger.exception("could not judge a run; it passes")
        if why is not None:
            raise ValueError(why)
        return super().on_run_apply(*arguments, **options)

    def _why_not(self, project: str, spec: RunSpec) -> str | None:
        """Why the run cannot start; None where it may, or nothing proves that it cannot."""
        if spec.configuration.image == _ONLY_LISTED:
            return None
        asked = asyncio.run_coroutine_threadsafe(_planned(project, spec), self._loop)
        try:
            planned = asked.result(_PLAN_TAKES)
        finally:
            asked.cancel()
        if planned is None:
            return None
        judge = judge_of(planned.compute)
        for offers in planned.jobs:
            ours: list[Any] = []
            others: list[Any] = []
            for offer in offers:
                is_ours = offer.backend == BackendType.NEBIUS and offer.availability.value not in _IN_A_FLEET
                (ours if is_ours else others).append(offer)
            if any(offer.availability.value not in _NOT_TRIED for offer in others):
                continue
            # dstack keeps its list for minutes, so ours are judged anew.
            judged = list(zip(ours, judge.verdicts(ours)))
            if any(verdict is None or verdict.availability in ("available", "unknown") for _, verdict in judged):
                continue
            blocked = [(offer, verdict) for offer, verdict in judged if verdict and verdict.quota == "blocked"]
            if blocked:
                return _told(blocked, len(offers))
        return None


@dataclass
class _Planned:
    """What dstack would try for a run."""

    compute: NebiusCompute
    jobs: list[list[Any]]
    """The offers of each job; jobs that need not start now, and jobs without an offer, are missing."""


async def _planned(project_name: str, spec: RunSpec) -> _Planned | None:
    """What dstack would plan now, by its own code; None for a run that this policy leaves alone."""
    async with get_session_ctx() as session:
        project = await get_project_model_by_name_or_error(session, project_name)
        computes = [backend.compute() for backend in await get_project_backends(project)]
        compute = next((found for found in computes if isinstance(found, NebiusCompute)), None)
        if compute is None:
            return None
        # Copied by parsing, as dstack does, which works out the merged profile; and a key that is not used for anything.
        planned = RunSpec.model_validate({**spec.model_dump(), "ssh_key_pub": spec.ssh_key_pub or "unused"})
        validate_run_spec_and_set_defaults(user=None, run_spec=planned)
        if planned.merged_profile.schedule is not None or _scales_from_zero(planned):
            return None
        if planned.run_name is not None:
            known = await get_run_model_by_name(session=session, project=project, run_name=planned.run_name)
            if known is not None and not known.status.is_finished():
                return None
        plans = await get_job_plans(
            session=session,
            project=project,
            run_spec=planned,
            max_offers=_ALL,
            full_offers=False,
            unallocated_resources=False,
            for_offers_only=False,
        )
    complete = [plan for plan in plans if plan.offers and len(plan.offers) == plan.total_offers]
    return _Planned(compute, [plan.offers for plan in complete if not _waits(plan)])


def _scales_from_zero(spec: RunSpec) -> bool:
    configuration = spec.configuration
    return isinstance(configuration, ServiceConfiguration) and any(
        not group.replicas.min for group in configuration.replica_groups
    )


def _waits(plan: Any) -> bool:
    """Whether dstack tries the job again and again until there is an instance."""
    retry = plan.job_spec.retry
    return retry is not None and any(event.value == "no-capacity" for event in retry.on_events)


def _told(blocked: Iterable[tuple[Any, Verdict]], offers: int) -> str:
    """What the user reads: every reason once, with the offers that it stops, the cheapest first."""
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for offer, verdict in blocked:
        kind = " (spot)" if offer.instance.resources.spot else ""
        by_reason[reason(verdict)].append(f"{offer.instance.name} in {offer.region}{kind}")
    stopped = sum(map(len, by_reason.values()))
    if offers == 1:
        opening = "Nebius has no quota for its only offer"
    elif stopped == offers:
        opening = f"Nebius has no quota for any of its {offers} offers"
    else:
        opening = f"Nebius has no quota for {stopped} of its {offers} offers, and the others are not available"
    lines = [f"The run cannot start: {opening}."]
    lines += [f"- {', '.join(names)}: {why}" for why, names in list(by_reason.items())[:_MOST_REASONS]]
    if len(by_reason) > _MOST_REASONS:
        lines.append(f"- and {len(by_reason) - _MOST_REASONS} more reasons; `dstack offer` lists every offer")
    return "\n".join(lines)
