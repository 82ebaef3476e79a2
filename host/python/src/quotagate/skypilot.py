"""SkyPilot asks for quota before it tries a region of Nebius.

SkyPilot calls ``check_quota_available`` of a cloud just before each attempt to provision, and goes on to the next region
where it says no; for Nebius it always says yes. Install ``quotagate[skypilot]`` beside the API server, and name the plugin in
``~/.sky/plugins.yaml``::

    plugins:
      - class: quotagate.skypilot.QuotagatePlugin

Where a quota provably stands in the way the answer becomes no, with the reason in SkyPilot's log. On any doubt, and whatever
fails here, it stays yes. ``QUOTAGATE_SKYPILOT=off`` leaves SkyPilot alone, ``QUOTAGATE_SKYPILOT=shadow`` only logs.

SkyPilot asks about one instance and does not say how many nodes a cluster has, so one is what is judged.
"""

from __future__ import annotations

import threading
from typing import Any, Literal

from sky import sky_logging
from sky.adaptors import nebius as adaptor
from sky.clouds.nebius import Nebius
from sky.provision.nebius import utils
from sky.server import plugins

from ._mode import mode
from .gate import Gate
from .nebius import NebiusAccount
from .types import Disk, Launch, Offer, Policy, Profile
from .verify import Verifier
from .words import reason

logger = sky_logging.init_logger("sky.quotagate")

SETTING = "QUOTAGATE_SKYPILOT"
"""The environment variable that turns this off, or makes it only log."""

_DISKS = {"high": "network-ssd-io-m3", "low": "network-ssd-non-replicated"}
_DISK_STEP = 93
"""GiB: the sizes of disks of the high and the low tier are multiples of it."""
_POLICY = Policy(strictness="advisory")


class QuotagatePlugin(plugins.BasePlugin):  # type: ignore[misc] # SkyPilot has no types
    """What SkyPilot loads."""

    @property
    def name(self) -> str:
        """How SkyPilot shows it."""
        return "quotagate"

    def install(self, extension_context: Any) -> None:
        """Called by SkyPilot in each of its processes."""
        try:
            enable()
        except Exception:
            logger.exception("quotagate does not know this version of SkyPilot, and leaves it alone")


_original: Any = None
_gates: dict[str, tuple[Gate, NebiusAccount]] = {}
_lock = threading.Lock()


def enable() -> None:
    """Wraps the hook, unless the setting says ``off``. Does nothing a second time."""
    global _original
    if mode(SETTING) == "off" or _original is not None:
        return
    _original = Nebius.__dict__.get("check_quota_available")

    def check_quota_available(cls: Any, resources: Any) -> bool:
        try:
            why = _blocked(resources)
        except Exception as error:
            logger.info("quotagate could not judge %s: %s; trying it", resources, error)
            return True
        if why is None:
            return True
        logger.info("quotagate: %s in %s: %s", resources.instance_type, resources.region, why)
        return mode(SETTING) != "on"

    Nebius.check_quota_available = classmethod(check_quota_available)


def disable() -> None:
    """Puts SkyPilot's own hook back."""
    global _original
    if "check_quota_available" in Nebius.__dict__:
        del Nebius.check_quota_available
    if _original is not None:
        Nebius.check_quota_available = _original
    _original = None
    _gates.clear()


def _blocked(resources: Any) -> str | None:
    """Why a quota provably stands in the way of one instance; None where nothing proves it."""
    if not resources.region or not resources.instance_type:
        return None
    project = utils.get_project_by_region(resources.region)
    gate, account = _gate(project)
    account.refresh(project)
    platform, _, preset = resources.instance_type.partition("_")
    lifecycle: Literal["on-demand", "preemptible"] = "preemptible" if resources.use_spot else "on-demand"
    launch = Launch(Offer(f"{platform} {preset}", resources.region, lifecycle), 1, _profile(resources, project))
    verdict = gate.check(launch, policy=_POLICY).verdict
    return reason(verdict) if verdict.quota == "blocked" else None


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
