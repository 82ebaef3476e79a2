"""The host's view of an account: what each source answered, as a plugin is shown it. It never changes; whatever happens
makes another one."""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from . import _shown
from ._shown import Shown
from .errors import InvalidInventory
from .types import Lifecycle, Offer

_generations = itertools.count(1)
_generations_lock = threading.Lock()

UNKNOWN_PROJECT = "it was not asked for"
"""What is said of a project that the inventory does not hold."""


class Inventory:
    """One account at one time.

    Make one with :meth:`from_world`, :meth:`from_json`, or from a live account with :mod:`quotagate.nebius`.
    """

    def __init__(self, projects: Mapping[str, Mapping[str, Any]], *, elsewhere: Mapping[str, Any] | None = None) -> None:
        """Takes what is shown for each project, by id.

        ``elsewhere`` is what is shown for any other project. Raises ``InvalidInventory`` where a record of
        ``wit/inventory.wit`` lacks a field or holds something of another kind.
        """
        self._projects = {name: _shown.check(value, f"projects.{name}") for name, value in projects.items()}
        self._elsewhere = _shown.check(elsewhere, "elsewhere") if elsewhere else _shown.nothing(UNKNOWN_PROJECT)
        with _generations_lock:
            self._generation = next(_generations)

    @classmethod
    def from_world(
        cls, directory: str | os.PathLike[str], *, projects: Sequence[str] | None = None, now_ms: int | None = None
    ) -> Inventory:
        """Reads a world directory: one account, as files of what the official ``nebius`` CLI prints.

        A missing file is a source that could not be read, not an error. ``projects`` names the projects to read; without
        it, all that ``tenant/projects.json`` lists. ``now_ms`` is when a world without ``recorded.json`` was read.

        Raises ``InvalidInventory`` where the directory is no world, or a file of it is malformed.
        """
        from .world import World

        return World.read(directory).inventory(projects=projects, now_ms=_now_ms() if now_ms is None else now_ms)

    @classmethod
    def from_json(cls, value: str | Mapping[str, Any]) -> Inventory:
        """Reads what :meth:`to_json` wrote. Raises ``InvalidInventory`` where it is something else."""
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise InvalidInventory(f"the inventory is no JSON: {error}") from error
        projects = value.get("projects") if isinstance(value, Mapping) else None
        if not isinstance(projects, Mapping):
            raise InvalidInventory("the inventory holds no object `projects`")
        return cls(projects)

    def to_json(self) -> dict[str, Any]:
        """What a plugin is shown, by project: the format of ``tests/conformance``."""
        return {"projects": {name: dict(shown.value) for name, shown in self._projects.items()}}

    @property
    def generation(self) -> int:
        """Unique among the inventories of this process, and rising."""
        return self._generation

    def projects(self) -> list[str]:
        """The projects, by id, sorted."""
        return sorted(self._projects)

    def region_of(self, project: str) -> str | None:
        """The region that a project lives in, where it is known."""
        region: str | None = self.shown_for(project)["instance_types"]["region"]
        return region

    def projects_in(self, region: str) -> list[str]:
        """The projects of one region, by id, sorted."""
        return [project for project in self.projects() if self.region_of(project) == region]

    def offers(self) -> list[Offer]:
        """Every offer of the account: each type in each region, under each lifecycle that a project may use there."""
        offers: dict[Offer, None] = {}
        for project in self.projects():
            types = self.shown_for(project)["instance_types"]
            for item in types["items"] if types["region"] is not None else ():
                lifecycles: tuple[Lifecycle, ...] = ("on-demand", "preemptible") if item["preemptible"] else ("on-demand",)
                for lifecycle in lifecycles:
                    offers[Offer(item["name"], types["region"], lifecycle)] = None
        return list(offers)

    def shown_for(self, project: str) -> Mapping[str, Any]:
        """What a plugin is shown for a project, as JSON values. Not to be changed."""
        return self._shown(project).value

    def holding(
        self,
        allowances: Mapping[tuple[str, str, str], tuple[int, int]],
        reservations: Mapping[tuple[str, str], tuple[int, int]],
    ) -> Inventory:
        """The same account with amounts promised, each for certain and at most: by owner, quota and region; and by
        reservation and project. They replace what was held before."""
        held = Inventory.__new__(Inventory)
        held._projects = {
            name: _shown.holding(shown, name, allowances, reservations) for name, shown in self._projects.items()
        }
        held._elsewhere = self._elsewhere
        with _generations_lock:
            held._generation = next(_generations)
        return held

    def _shown(self, project: str) -> Shown:
        return self._projects.get(project, self._elsewhere)

    def _anywhere(self) -> Shown:
        """What is the same for every project: advice on hardware, and blocks."""
        return next(iter(self._projects.values()), self._elsewhere)


NOTHING = Inventory({})
"""An account of which nothing is known."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
