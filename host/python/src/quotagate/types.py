"""The words of the contract (``wit/types.wit``), as dataclasses.

Amounts are whole numbers in the unit of the quota they belong to: pieces for ``count`` rows, bytes for ``byte`` rows.
Instants are milliseconds since the Unix epoch. Fields are named as in the contract; cases are strings, spelled as in the
JSON that ``quotagate check --format json`` prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

from .errors import PluginFailed

Lifecycle = Literal["on-demand", "preemptible"]
"""How long the cloud promises to keep an instance."""

ReservationUse = Literal["auto", "forbid", "strict"]
"""Whether a launch may, must not, or must draw on reserved capacity."""

Strictness = Literal["advisory", "balanced", "strict"]
"""Which offers a list shows: all, all but the provably blocked, or the available ones."""

QuotaOutcome = Literal["fits", "unknown", "blocked"]
"""Whether the quotas let a launch through; a later case beats an earlier one."""

CapacityOutcome = Literal["likely", "unlikely", "unknown"]
"""Whether hardware is likely to be free; never a statement about quota."""

Availability = Literal["available", "no_quota", "no_capacity", "unknown"]
"""Both outcomes in one word, for lists."""

FailureKind = Literal["quota", "capacity", "rate-limit", "access", "invalid", "transient", "ambiguous"]
"""What went wrong with a launch."""

Scope = Literal["tenant", "project"]
"""The level of the account that a quota row belongs to."""


@dataclass(frozen=True)
class Disk:
    """Disks, or shared file systems, that a launch creates. Existing ones are already counted: leave them out."""

    kind: str
    """The cloud's name of the kind, such as ``network-ssd``."""
    bytes: int
    """The size of each."""
    count: int = 1


@dataclass(frozen=True)
class Profile:
    """What every instance of a launch brings with it besides its type."""

    project: str = ""
    """The project to launch in, by id; empty for the one project of the offer's region."""
    reservation: ReservationUse = "auto"
    disks: tuple[Disk, ...] = ()
    """Created with each instance."""
    filesystems: tuple[Disk, ...] = ()
    """Created once for the whole launch."""
    private_addresses: int = 0
    dynamic_public_addresses: int = 0
    """Public addresses of each instance that are released when it stops."""
    static_public_addresses: int = 0
    """Public addresses of each instance that it keeps while stopped."""
    restart: bool = False
    """True for starting stopped instances, which hold their disks and static addresses already."""
    new_cluster: bool = False
    """True where the launch creates a cluster, whose instances share one fabric."""
    node_group: bool = False
    """True where the instances are nodes of the cloud's managed Kubernetes."""
    fabric: str | None = None
    """The fabric that the instances must be placed on."""


@dataclass(frozen=True)
class Offer:
    """An instance type in a region under a lifecycle, as an orchestrator lists it."""

    instance_type: str
    region: str
    lifecycle: Lifecycle = "on-demand"


@dataclass(frozen=True)
class Launch:
    """Identical instances of one offer, asked for together."""

    offer: Offer
    count: int = 1
    profile: Profile = Profile()


@dataclass(frozen=True)
class Policy:
    """How to judge."""

    strictness: Strictness = "balanced"
    explain: bool = False
    """Whether verdicts carry every finding, also those that decided nothing."""
    max_age_ms: int | None = None
    """Sources fetched longer ago count as unreadable; None for no bound."""


@dataclass(frozen=True)
class Finding:
    """One quota's part in a verdict. Numbers are None where they are not known or mean nothing."""

    reason: str
    """Why it says what it says: a case of ``reason`` in ``wit/types.wit``. Stable."""
    outcome: QuotaOutcome
    """What this finding alone would make of the launch."""
    quota: str | None
    """None where the finding is about capacity or about the offer itself."""
    scope: Scope | None
    owner: str | None
    """The tenant or project whose row it is."""
    region: str
    unit: str
    required: int | None
    """What the launch takes, all instances together; None where it is not known."""
    limit: int | None
    usage: int | None
    held: int
    headroom: int | None
    """limit - usage - held, never below zero."""
    shortfall: int | None
    """required - headroom, where that is above zero."""
    minimum_limit: int | None
    """The smallest limit of this row under which the launch would fit as things stand."""
    detail: str | None
    """What was found, in words, where the numbers do not say it."""
    remedy: str | None
    """What to do about it, and where."""
    rule: str | None
    """Under ``Policy.explain``: the rule that was applied, and where it is written."""
    command: tuple[str, ...] = ()
    """The command that does what ``remedy`` says, word by word; empty where there is none. Quote it before a shell sees it."""


@dataclass(frozen=True)
class Verdict:
    """The judgement of one offer or launch."""

    quota: QuotaOutcome
    capacity: CapacityOutcome
    availability: Availability
    fits_count: int | None
    """How many such instances fit the quotas now; None where that is not known or nothing bounds it."""
    visible: bool
    """Whether the policy in force shows the offer."""
    findings: tuple[Finding, ...]
    """What decided: every finding that is not ``fits``, or the row with the least room where all fit."""


@dataclass(frozen=True)
class Demand:
    """What a plan takes from one quota in one project. Of the start of a stopped instance it is a band from zero."""

    quota: str
    project: str
    region: str
    at_least: int
    """Taken for certain."""
    at_most: int
    """Taken at most."""


@dataclass(frozen=True)
class ReservedDemand:
    """What the launches of one project take from one reservation, in GPUs."""

    reservation: str
    project: str
    at_least: int
    """Taken for certain."""
    at_most: int
    """Taken at most."""


@dataclass(frozen=True)
class BreakingLaunch:
    """Where a plan stops fitting."""

    index: int
    """The launch's place in the plan, from zero."""
    fits_count: int | None
    """Instances of it that still fit after the launches before it."""


@dataclass(frozen=True)
class Admission:
    """The judgement of launches that draw on the same rows."""

    verdict: Verdict
    """The plan as a whole; its ``fits_count`` counts launches, from the first."""
    demands: tuple[Demand, ...]
    reserved: tuple[ReservedDemand, ...]
    breaks_at: BreakingLaunch | None
    """The first launch that a quota provably blocks; where none is, the first that is unknown."""


@dataclass(frozen=True)
class Diagnosis:
    """What a launch error means."""

    kind: FailureKind
    findings: tuple[Finding, ...]
    retry: bool
    """Whether the same launch can succeed if tried again unchanged."""
    remedy: str | None


@dataclass(frozen=True)
class Needs:
    """What a plugin asks the inventory for."""

    allowances: bool = False
    instance_types: bool = False
    capacities: bool = False
    reservations: bool = False


@dataclass(frozen=True)
class Descriptor:
    """What a plugin is."""

    cloud: str
    version: str
    needs: Needs = field(default_factory=Needs)


Record = TypeVar("Record")


_NAMES: Mapping[type, frozenset[str]] = {
    record: frozenset(known.name for known in fields(record))
    for record in (Finding, Verdict, Demand, ReservedDemand, BreakingLaunch, Admission, Diagnosis)
}


def _take(record: type[Record], value: Mapping[str, Any]) -> Record:
    """Makes a dataclass of a JSON object without copying it: a list of a thousand verdicts has as many findings."""
    if value.keys() != _NAMES[record]:
        expected = ", ".join(sorted(_NAMES[record] ^ value.keys()))
        raise PluginFailed(f"the plugin's answer is no {record.__name__}: missing or unknown {expected}")
    made = object.__new__(record)
    made.__dict__.update(value)
    return made


def _finding(value: dict[str, Any]) -> Finding:
    """A finding; the twins leave an empty command out."""
    value["command"] = tuple(value.get("command", ()))
    return _take(Finding, value)


def verdict_from_json(value: Any) -> Verdict:
    """A verdict from the object that the JSON twins give; raises ``PluginFailed`` where it is none."""
    try:
        return _take(Verdict, {**value, "findings": tuple(map(_finding, value["findings"]))})
    except (TypeError, KeyError, AttributeError) as error:
        raise _no_record("verdict", error) from error


def admission_from_json(value: Any) -> Admission:
    """An admission from the object that the JSON twins give; raises ``PluginFailed`` where it is none."""
    try:
        breaks_at = value["breaks_at"]
        taken = {
            **value,
            "verdict": verdict_from_json(value["verdict"]),
            "demands": tuple(_take(Demand, item) for item in value["demands"]),
            "reserved": tuple(_take(ReservedDemand, item) for item in value["reserved"]),
            "breaks_at": None if breaks_at is None else _take(BreakingLaunch, breaks_at),
        }
        return _take(Admission, taken)
    except (TypeError, KeyError, AttributeError) as error:
        raise _no_record("admission", error) from error


def diagnosis_from_json(value: Any) -> Diagnosis:
    """A diagnosis from the object that the JSON twins give; raises ``PluginFailed`` where it is none."""
    try:
        return _take(Diagnosis, {**value, "findings": tuple(map(_finding, value["findings"]))})
    except (TypeError, KeyError, AttributeError) as error:
        raise _no_record("diagnosis", error) from error


def _no_record(name: str, error: Exception) -> PluginFailed:
    return PluginFailed(f"the plugin's answer is no {name}: {error!r}")
