"""What a plugin is shown for one project: JSON values, checked against the contract, and the typed records made of them.

The records of the contract stand here once, as a table (``wit/types.wit``, ``wit/inventory.wit``): it checks what comes
from outside, and turns it into what the component model takes, so that no call of a plugin ever fails on an inventory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wasmtime.component import Record

from .errors import InvalidInventory

Kind = Callable[[Any, str], Any]
"""Checks a value at a path and gives what the component model takes; raises ``InvalidInventory``."""


def _wrong(path: str, expected: str, value: Any) -> InvalidInventory:
    shown = repr(value)
    return InvalidInventory(f"`{path}` must be {expected}, and is {shown[:60]}")


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong(path, "text", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _wrong(path, "text without lone surrogates", value) from None
    return value


def _truth(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(path, "true or false", value)
    return value


def _whole(bits: int) -> Kind:
    def check(value: Any, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
            raise _wrong(path, f"a whole number of {bits} bits", value)
        return int(value)

    return check


def _case(*names: str) -> Kind:
    def check(value: Any, path: str) -> str:
        if value not in names:
            raise _wrong(path, f"one of {', '.join(names)}", value)
        return str(value)

    return check


def _option(kind: Kind) -> Kind:
    return lambda value, path: None if value is None else kind(value, path)


def _list(kind: Kind) -> Kind:
    def check(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong(path, "a list", value)
        return [kind(item, f"{path}[{index}]") for index, item in enumerate(value)]

    return check


@dataclass(frozen=True)
class _Absent:
    """A field that inventories did not always have, and what it is without: a value, or that of another field."""

    kind: Kind
    value: Any
    like: str | None

    def __call__(self, value: Any, path: str) -> Any:
        return self.kind(value, path)


def _or(kind: Kind, value: Any = None, *, like: str | None = None) -> Kind:
    return _Absent(kind, value, like)


def _record(**fields: Kind) -> Kind:
    kebab = {name: name.replace("_", "-") for name in fields}
    optional = {name: kind for name, kind in fields.items() if isinstance(kind, _Absent)}

    def check(value: Any, path: str) -> Record:
        if not isinstance(value, Mapping):
            raise _wrong(path, "an object", value)
        if value.keys() != fields.keys():
            value = dict(value)
            for name, absent in optional.items():
                if name not in value and (absent.like is None or absent.like in value):
                    value[name] = absent.value if absent.like is None else value[absent.like]
            strangers = ", ".join(sorted(str(name) for name in value.keys() ^ fields.keys()))
            if strangers:
                raise InvalidInventory(f"`{path}` has missing or unknown members: {strangers}")
        made = Record()
        for name, kind in fields.items():
            setattr(made, kebab[name], kind(value[name], f"{path}.{name}"))
        return made

    return check


_MOST = (1 << 64) - 1
_U32, _U64 = _whole(32), _whole(64)
_LIFECYCLE = _case("on-demand", "preemptible")
_USAGE_STATE = _case("used", "not-used", "unknown", "not-applicable", "unspecified")
_SOURCE = _record(
    state=_case("complete", "denied", "unavailable", "incomplete"), fetched_at=_U64, detail=_option(_text)
)
_ALLOWANCE = _record(
    name=_text,
    owner=_text,
    region=_text,
    unit=_text,
    state=_case("active", "provisioning", "frozen", "deleted", "unknown"),
    limit=_option(_U64),
    usage=_U64,
    usage_state=_USAGE_STATE,
    usage_fraction=_or(_option(_text), None),
    held=_U64,
    held_at_most=_or(_U64, like="held"),
)
_ALLOWANCE_LIST = _record(owner=_text, rows=_list(_ALLOWANCE), source=_SOURCE)
_INSTANCE_TYPE = _record(
    name=_text,
    family=_text,
    vcpus=_U32,
    memory_bytes=_U64,
    gpus=_U32,
    gpu_quota=_option(_text),
    preemptible=_truth,
    clusterable=_truth,
)
_CAPACITY = _record(
    instance_type=_text,
    region=_text,
    fabric=_option(_text),
    lane=_case("on-demand", "preemptible", "reserved"),
    available=_U32,
    level=_case("high", "medium", "low", "limit-reached", "unknown"),
    freshness=_case("fresh", "stale", "unknown"),
    observed_at=_option(_U64),
)
_RESERVATION = _record(
    id=_text,
    family=_text,
    region=_text,
    fabric=_option(_text),
    active=_truth,
    limit=_U64,
    usage=_U64,
    usage_state=_USAGE_STATE,
    usage_fraction=_or(_option(_text), None),
    project_limit=_option(_U64),
    project_usage=_U64,
    project_usage_state=_USAGE_STATE,
    project_usage_fraction=_or(_option(_text), None),
    held=_U64,
    held_at_most=_or(_U64, like="held"),
    project_held=_or(_U64, 0),
    project_held_at_most=_or(_U64, like="project_held"),
    next_change=_option(_record(at=_U64, limit=_option(_U64))),
)
_BLOCK = _record(
    kind=_case("quota", "capacity", "unclear"),
    region=_text,
    quota=_option(_text),
    project=_option(_text),
    at_least=_U64,
    instance_type=_option(_text),
    lifecycle=_option(_LIFECYCLE),
    fabric=_option(_text),
    cause=_text,
    until=_U64,
)

_PARTS: dict[str, Kind] = {
    "allowances": _record(tenant=_ALLOWANCE_LIST, project=_ALLOWANCE_LIST),
    "instance_types": _record(
        region=_option(_text), project_state=_or(_option(_text), None), items=_list(_INSTANCE_TYPE), source=_SOURCE
    ),
    "capacities": _record(items=_list(_CAPACITY), source=_SOURCE),
    "reservations": _record(items=_list(_RESERVATION), source=_SOURCE),
    "blocks": _list(_BLOCK),
}


@dataclass(frozen=True)
class Shown:
    """What is shown for one project: JSON values, which must not be changed, and how they look to a component."""

    value: Mapping[str, Any]
    path: str

    @cached_property
    def records(self) -> Mapping[str, Any]:
        """The parts as the component model takes them, by name."""
        return {name: kind(self.value[name], f"{self.path}.{name}") for name, kind in _PARTS.items()}

    @cached_property
    def sources(self) -> Record:
        """How far each source was read, and when."""
        allowances = self.records["allowances"]
        sources = Record()
        setattr(sources, "tenant-allowances", allowances.tenant.source)
        setattr(sources, "project-allowances", allowances.project.source)
        setattr(sources, "instance-types", self.records["instance_types"].source)
        setattr(sources, "capacities", self.records["capacities"].source)
        setattr(sources, "reservations", self.records["reservations"].source)
        return sources


def check(value: Any, path: str) -> Shown:
    """Takes what is shown for one project in; raises ``InvalidInventory`` where it is not of the contract."""
    if not isinstance(value, Mapping):
        raise _wrong(path, "an object", value)
    if value.keys() != _PARTS.keys():
        strangers = ", ".join(sorted(str(name) for name in value.keys() ^ _PARTS.keys()))
        raise InvalidInventory(f"`{path}` has missing or unknown members: {strangers}")
    shown = Shown(value, path)
    _ = shown.records
    return shown


def nothing(why: str) -> Shown:
    """What is shown of a project that nothing is known of."""
    source = {"state": "unavailable", "fetched_at": 0, "detail": why}
    rows = {"owner": "", "rows": [], "source": source}
    items = {"items": [], "source": source}
    value = {
        "allowances": {"tenant": rows, "project": rows},
        "instance_types": {"region": None, "project_state": None, **items},
        "capacities": items,
        "reservations": items,
        "blocks": [],
    }
    return Shown(value, "nothing")


Band = tuple[int, int]
"""What is promised for certain, and at most."""


def holding(
    shown: Shown,
    project: str,
    allowances: Mapping[tuple[str, str, str], Band],
    reservations: Mapping[tuple[str, str], Band],
) -> Shown:
    """The same with other amounts promised: by owner, quota and region, and by reservation and project."""

    def told(bands: Iterable[Band], prefix: str = "") -> dict[str, int]:
        certain, at_most = (sum(ends) for ends in zip((0, 0), *bands))
        return {f"{prefix}held": min(certain, _MOST), f"{prefix}held_at_most": min(at_most, _MOST)}

    def rows(part: Mapping[str, Any]) -> dict[str, Any]:
        held = [
            {**row, **told([allowances.get((row["owner"], row["name"], row["region"]), (0, 0))])} for row in part["rows"]
        ]
        return {**part, "rows": held}

    value = shown.value
    items = [
        {
            **item,
            **told(band for (reservation, _), band in reservations.items() if reservation == item["id"]),
            **told([reservations.get((item["id"], project), (0, 0))], "project_"),
        }
        for item in value["reservations"]["items"]
    ]
    changed = {
        **value,
        "allowances": {scope: rows(part) for scope, part in value["allowances"].items()},
        "reservations": {**value["reservations"], "items": items},
    }
    return Shown(changed, shown.path)
