"""From the cloud's messages to the words of the contract, for Nebius; one function per kind of message.

These are the rules of ``host/nebius/src/convert`` in the Rust host, and the conformance suite holds them against each
other. Nothing is concluded here: an absent limit stays absent, and a state that is not known is ``unknown``.
"""

from __future__ import annotations

import re
from typing import Any

from ._message import Message

_GIBIBYTE = 1 << 30
_PROJECT_STATES = (
    "STATE_UNSPECIFIED",
    "CREATING",
    "ACTIVE",
    "PURGING",
    "CREATED",
    "ACTIVATING",
    "PARKING",
    "PARKED",
)
_ROW_STATES = {"provisioning": 1, "active": 2, "frozen": 3, "deleted": 10}
_USAGE_STATES = {"used": 1, "not-used": 2, "unknown": 3, "not-applicable": 4}
_BLOCK_USAGE_STATES = {"used": 1, "not-used": 2, "unknown": 3}
_LEVELS = {"high": 1, "medium": 2, "low": 3, "limit-reached": 4}
_DATA_STATES = {"fresh": 1, "stale": 2}
_LANES = {"on-demand": "on_demand", "preemptible": "preemptible", "reserved": "reserved"}
_FABRIC_IN_PLACE_OF_REGION = re.compile(r"(.*-.*[0-9])-[a-z]", re.DOTALL)


class Malformed(Exception):
    """A message that makes no sense: the list that lacks it is not complete."""


def project(item: Message) -> dict[str, str | None]:
    """A project: it lives in one region and holds the instances. Its state is the cloud's own word, None where the cloud does
    not say."""
    metadata = item.message("metadata")
    if not metadata.text("id"):
        raise Malformed("a project has no name")
    state = item.message("status").word("project_state", "PROJECT_STATE_", _PROJECT_STATES) if item.has("status") else None
    return {"id": metadata.text("id"), "region": item.message("spec").text("region"), "state": state}


def allowance(row: Message) -> dict[str, Any]:
    """A quota row as the cloud says it."""
    metadata, spec, status = row.message("metadata"), row.message("spec"), row.message("status")
    return {
        "name": metadata.text("name"),
        "owner": metadata.text("parent_id"),
        "region": spec.text("region"),
        "unit": status.text("unit"),
        "state": status.case("state", "STATE_", _ROW_STATES, "unknown"),
        "limit": spec.optional_unsigned("limit"),
        "usage": status.unsigned("usage"),
        "usage_state": status.case("usage_state", "USAGE_STATE_", _USAGE_STATES, "unspecified"),
        "usage_fraction": status.filled("usage_percentage"),
        "held": 0,
        "held_at_most": 0,
    }


def instance_types(platform: Message) -> list[dict[str, Any] | Malformed]:
    """The instance types of a platform, one per preset; presets that cannot be judged as the reason why."""
    types: list[dict[str, Any] | Malformed] = []
    for preset in platform.message("spec").messages("presets"):
        try:
            types.append(_instance_type(platform, preset))
        except Malformed as malformed:
            types.append(malformed)
    return types


def _instance_type(platform: Message, preset: Message) -> dict[str, Any]:
    family, name = platform.message("metadata").text("name"), preset.text("name")
    if not family:
        raise Malformed("a platform has no name")
    if not name:
        raise Malformed("a preset has no name")
    resources = preset.message("resources")

    def at_least(least: int, amount: int, what: str) -> int:
        if amount < least:
            raise Malformed(f"preset `{name}` of platform `{family}` has {amount} {what}")
        return amount

    # An instance without processors or memory would draw on no quota at all, and so always fit.
    vcpus = at_least(1, resources.signed("vcpu_count"), "vCPUs")
    gibibytes = at_least(1, resources.signed("memory_gibibytes"), "GiB of memory")
    gpus = at_least(0, resources.signed("gpu_count"), "GPUs")
    return {
        "name": f"{family} {name}",
        "family": family,
        "vcpus": vcpus,
        "memory_bytes": gibibytes * _GIBIBYTE,
        "gpus": gpus,
        "gpu_quota": platform.message("spec").filled("gpu_count_quota_type"),
        "preemptible": platform.message("status").truth("allowed_for_preemptibles") and gpus > 0,
        "clusterable": preset.truth("allow_gpu_clustering"),
    }


def capacities(advice: Message) -> list[dict[str, Any]]:
    """What the cloud says about free hardware, one row per kind of launch that it speaks of.

    Advice that names no instance type is passed over: no advice is no evidence, in either direction.
    """
    spec, status = advice.message("spec"), advice.message("status")
    instance = spec.message("compute_instance")
    platform, preset = instance.text("platform"), instance.message("preset").text("name")
    if not platform or not preset:
        return []
    region, fabric = _place(spec.text("region"), spec.filled("fabric"))
    rows = []
    for lane, member in _LANES.items():
        if not status.has(member):
            continue
        said = status.message(member)
        rows.append(
            {
                "instance_type": f"{platform} {preset}",
                "region": region,
                "fabric": fabric,
                "lane": lane,
                "available": said.unsigned("available", bits=32),
                "level": said.case("availability_level", "AVAILABILITY_LEVEL_", _LEVELS, "unknown"),
                "freshness": said.case("data_state", "DATA_STATE_", _DATA_STATES, "unknown"),
                "observed_at": said.instant_ms("effective_at"),
            }
        )
    return rows


def _place(region: str, fabric: str | None) -> tuple[str, str | None]:
    """A region with the shape of a fabric, ``<region>-<letter>``, is a fabric of that region."""
    found = _FABRIC_IN_PLACE_OF_REGION.fullmatch(region)
    return (found.group(1), fabric or region) if found else (region, fabric)


def reservation(block: Message) -> dict[str, Any] | None:
    """A block of reserved capacity; None for those of other services. The project's share is left at "not limited"."""
    status = block.message("status")
    service = status.text("service")
    if service != "compute" and (service or not status.has("resource_affinity")):
        return None
    identity = block.message("metadata").text("id")
    if not identity:
        raise Malformed("a capacity block group has no name")
    affinity = status.message("resource_affinity").message("compute_v1")
    if not affinity.text("platform"):
        raise Malformed(f"capacity block group `{identity}` does not say which platform it holds")
    change_at = status.instant_ms("next_change_at")
    return {
        "id": identity,
        "family": affinity.text("platform"),
        "region": status.text("region"),
        "fabric": affinity.filled("fabric"),
        "active": status.case("state", "STATE_", {"active": 2}, "") == "active",
        "limit": status.unsigned("current_limit"),
        "usage": status.unsigned("usage"),
        "usage_state": status.case("usage_state", "USAGE_STATE_", _BLOCK_USAGE_STATES, "unspecified"),
        "usage_fraction": status.filled("usage_percentage"),
        "project_limit": None,
        "project_usage": 0,
        "project_usage_state": "unspecified",
        "project_usage_fraction": None,
        "held": 0,
        "held_at_most": 0,
        "project_held": 0,
        "project_held_at_most": 0,
        "next_change": None
        if change_at is None
        else {"at": change_at, "limit": status.optional_unsigned("next_change_to")},
    }


def reservation_share(row: Message) -> dict[str, Any]:
    """What a project may take of a block; an absent limit is documented as unlimited."""
    spec, status = row.message("spec"), row.message("status")
    if not spec.text("capacity_block_group_id"):
        raise Malformed("a capacity allowance has no name")
    return {
        "reservation": spec.text("capacity_block_group_id"),
        "project_limit": spec.optional_unsigned("limit"),
        "project_usage": status.unsigned("usage"),
        "project_usage_state": status.case("usage_state", "USAGE_STATE_", _BLOCK_USAGE_STATES, "unspecified"),
        "project_usage_fraction": status.filled("usage_percentage"),
    }
