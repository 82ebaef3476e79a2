"""The hook that SkyPilot asks.

This module imports SkyPilot's own modules, which any release may move: import it under a guard.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from sky import global_user_state, sky_logging
from sky.adaptors import nebius as adaptor
from sky.clouds.nebius import Nebius
from sky.provision.nebius import utils

from ._mode import mode
from ._needs import require
from .gate import Gate
from .nebius import NebiusAccount
from .skypilot import SETTING
from .types import Disk, Launch, Offer, Policy, Profile
from .verify import Verifier
from .words import reason

logger = sky_logging.init_logger("sky.quotagate")

_NEEDS = (
    (Nebius, "check_quota_available"),
    (adaptor, "sdk"),
    (adaptor, "get_tenant_id"),
    (adaptor, "READ_TIMEOUT"),
    (adaptor, "sync_call"),
    (utils, "get_project_by_region"),
    (global_user_state, "get_clusters"),
)
"""What is used of SkyPilot, which promises none of it."""
_DISKS = {"high": "network-ssd-io-m3", "low": "network-ssd-non-replicated"}
_DISK_STEP = 93
"""GiB: the sizes of disks of the high and the low tier are multiples of it."""
_POLICY = Policy(strictness="advisory")

_is_enabled = False
_original: Any = None
"""What ``Nebius`` itself had in the place of the hook; None where it inherits one."""
_gates: dict[str, tuple[Gate, NebiusAccount]] = {}
_lock = threading.Lock()


def enable() -> None:
    """Wraps the hook. Does nothing a second time. Raises ``Missing`` where SkyPilot lacks something."""
    global _is_enabled, _original
    if _is_enabled:
        return
    require(_NEEDS)
    _original = Nebius.__dict__.get("check_quota_available")
    Nebius.check_quota_available = classmethod(_with_judgement(Nebius.check_quota_available))
    _is_enabled = True


def disable() -> None:
    """Puts SkyPilot's own hook back."""
    global _is_enabled, _original
    if not _is_enabled:
        return
    if _original is None:
        del Nebius.check_quota_available
    else:
        Nebius.check_quota_available = _original
    _is_enabled, _original = False, None
    _gates.clear()


def _with_judgement(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def check_quota_available(cls: Any, *arguments: Any, **options: Any) -> Any:
        try:
            resources = inspect.signature(original).bind(*arguments, **options).arguments["resources"]
            why = _never_fits(resources)
            is_refused = why is not None and mode(SETTING) == "on" and not _may_exist(resources)
        except Exception as error:
            logger.info("quotagate could not judge a launch and does not stop it: %s: %s", type(error).__name__, error)
            return original(*arguments, **options)
        if why is not None:
            outcome = "not tried" if is_refused else "tried all the same"
            logger.info("quotagate: %s in %s is %s: %s", resources.instance_type, resources.region, outcome, why)
        return False if is_refused else original(*arguments, **options)

    return check_quota_available


def _never_fits(resources: Any) -> str | None:
    """Why one instance does not fit even if nothing else ran: the limits that are below what it needs. None where there
    is no such limit.

    What is used of a limit does not count. It comes and goes while SkyPilot keeps the answer, and instances of a cluster
    that exists, for which SkyPilot asks as well, are part of it.
    """
    if not resources.region or not resources.instance_type:
        return None
    project = utils.get_project_by_region(resources.region)
    gate, account = _gate(project)
    account.refresh(project)
    platform, _, preset = resources.instance_type.partition("_")
    lifecycle: Literal["on-demand", "preemptible"] = "preemptible" if resources.use_spot else "on-demand"
    launch = Launch(Offer(f"{platform} {preset}", resources.region, lifecycle), 1, _profile(resources, project))
    verdict = gate.check(launch, policy=_POLICY).verdict
    exceeding = tuple(
        finding for finding in verdict.findings if finding.outcome == "blocked" and finding.reason == "exceeds-limit"
    )
    return reason(replace(verdict, findings=exceeding)) if exceeding else None


def _may_exist(resources: Any) -> bool:
    """Whether SkyPilot knows a cluster of such instances in the region. The limit may have become smaller since it was
    made, and SkyPilot forgets a cluster, machines and all, whose start is refused."""
    launched = (
        getattr(record.get("handle"), "launched_resources", None) for record in global_user_state.get_clusters()
    )
    return any(
        (known.instance_type, known.region) == (resources.instance_type, resources.region)
        for known in launched
        if known is not None
    )


def _gate(project: str) -> tuple[Gate, NebiusAccount]:
    """One per project: SkyPilot may have other credentials for each."""
    with _lock:
        if project not in _gates:
            account = NebiusAccount(
                adaptor.sdk(),
                tenant=adaptor.get_tenant_id(),
                projects=[project],
                timeout=adaptor.READ_TIMEOUT,
                run=adaptor.sync_call,
            )
            account.inventory()
            _gates[project] = Gate(Verifier(account)), account
        return _gates[project]


def _profile(resources: Any, project: str) -> Profile:
    """What SkyPilot creates with an instance: a boot disk and a private address. Whether it asks for a public one depends on
    the cluster, which this hook is not told; a launch without one is judged, so that none is refused for it."""
    tier = str(getattr(resources.disk_tier, "value", resources.disk_tier) or "medium").lower()
    size = int(resources.disk_size or 0)
    kind = _DISKS.get(tier, "network-ssd")
    if kind != "network-ssd":
        size = -(-size // _DISK_STEP) * _DISK_STEP
    disks = (Disk(kind, size << 30),) if size else ()
    return Profile(project=project, disks=disks, private_addresses=1)
