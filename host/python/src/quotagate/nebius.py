"""A live Nebius account through the official SDK (``pip install 'quotagate[nebius]'``).

:class:`NebiusAccount` is the inventory of a gate: it reads every quota list at once, keeps what it read, reads again in
the background, and never makes a list wait but for the very first. :func:`failure` makes JSON of an exception of the SDK,
for ``Gate.diagnose``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from nebius.aio.service_error import RequestError
from nebius.api.nebius.capacity.v1 import (
    CapacityAllowanceServiceClient,
    CapacityBlockGroupServiceClient,
    ListCapacityAllowancesRequest,
    ListCapacityBlockGroupsRequest,
    ListResourceAdviceRequest,
    ResourceAdviceServiceClient,
)
from nebius.api.nebius.compute.v1 import ListPlatformsRequest, PlatformServiceClient
from nebius.api.nebius.iam.v2 import (
    GetProjectRequest,
    ListProjectsRequest,
    ListTenantsRequest,
    ProjectServiceClient,
    TenantServiceClient,
)
from nebius.api.nebius.quotas.v1 import ListQuotaAllowancesRequest, QuotaAllowanceServiceClient
from nebius.base.protos.json_format import message_to_dict
from nebius.sdk import SDK

from .inventory import NOTHING, Inventory
from .world import World, printable

logger = logging.getLogger(__name__)

Run = Callable[[Awaitable[Any]], Any]
"""Runs an awaitable on the SDK's event loop, and waits for it."""

_MOST_PAGES = 200
_QUESTIONS: Mapping[str, tuple[Any, Any, int]] = {
    "allowances": (QuotaAllowanceServiceClient, ListQuotaAllowancesRequest, 1_000),
    "platforms": (PlatformServiceClient, ListPlatformsRequest, 999),
    "resource-advice": (ResourceAdviceServiceClient, ListResourceAdviceRequest, 200),
    "capacity-block-groups": (CapacityBlockGroupServiceClient, ListCapacityBlockGroupsRequest, 200),
    "capacity-allowances": (CapacityAllowanceServiceClient, ListCapacityAllowancesRequest, 200),
}
"""Who is asked for the list of a file, how, and how many rows a page."""
_OF_TENANT = ("tenant/allowances.json", "tenant/resource-advice.json", "tenant/capacity-block-groups.json")
_BEFORE_LAUNCH = ("allowances", "capacity-allowances")


class NebiusAccount:
    """What an account allows, read through an SDK that the caller has made. Shared by threads."""

    def __init__(
        self,
        sdk: SDK,
        *,
        tenant: str | None = None,
        projects: Sequence[str] | None = None,
        refresh_interval: float = 120.0,
        maximum_age: float = 900.0,
        timeout: float = 10.0,
        first_wait: float = 10.0,
        run: Run | None = None,
        call_options: Mapping[str, Any] | None = None,
    ) -> None:
        """``tenant`` and ``projects`` are found out where they are not given. An inventory older than ``refresh_interval``
        seconds is read again in the background; what could not be read again counts as unreadable after ``maximum_age``
        seconds. ``timeout`` bounds each call. ``run`` runs the SDK's calls, which belong to one event loop
        (``sdk.run_sync`` by default); ``call_options`` are given to each of them.
        """
        self._sdk = sdk
        self._tenant = tenant
        self._projects = None if projects is None else tuple(projects)
        self._refresh_interval = refresh_interval
        self._maximum_age = maximum_age
        self._first_wait = first_wait
        self._run = run or sdk.run_sync
        self._options = {"timeout": timeout, **(call_options or {})}
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._files: dict[str, Any] = {}
        self._read_at: dict[str, int] = {}
        self._asked: dict[str, float] = {}
        self._inventory: Inventory | None = None
        self._due = 0.0
        self._refresher: threading.Thread | None = None

    def inventory(self, *, wait: float = 0.0) -> Inventory:
        """The account as it is known now. The first question waits for the cloud, ``first_wait`` seconds at most; later
        ones start a reading in the background where it is time, and wait ``wait`` seconds for it at most."""
        with self._lock:
            known, refresher = self._inventory, self._refresher
            if time.monotonic() < self._due and known is not None:
                return known
            if refresher is None or not refresher.is_alive():
                refresher = threading.Thread(target=self._refresh_quietly, name="quotagate-refresh", daemon=True)
                self._refresher = refresher
                refresher.start()
        refresher.join(wait if known is not None else max(wait, self._first_wait))
        with self._lock:
            return self._inventory or NOTHING

    def refresh(self, project: str | None = None) -> Inventory:
        """Reads again, and waits: everything, or what decides whether a launch in ``project`` fits. What cannot be read
        again before a launch counts as unreadable."""
        with self._reading:
            return self._read(project)

    async def refresh_async(self, project: str | None = None) -> Inventory:
        """:meth:`refresh` on another thread. Not from the event loop that ``run`` uses."""
        return await asyncio.to_thread(self.refresh, project)

    def expire(self) -> None:
        """Says that the account has changed: the next question starts a reading in the background."""
        with self._lock:
            self._due = 0.0

    def world(self) -> World:
        """What was read last, as files: for a bug report, or ``quotagate --recorded``."""
        with self._lock:
            return World(dict(self._files), read_at=dict(self._read_at))

    def asked_since(self, instant: float) -> bool:
        """Whether every quota list in force was asked for after ``instant`` of the steady clock."""
        with self._lock:
            return bool(self._asked) and all(asked > instant for asked in self._asked.values())

    def _refresh_quietly(self) -> None:
        try:
            with self._reading:
                self._read(None)
        except Exception as error:
            # What is known stays in force until it is too old; the next question tries again.
            logger.warning("could not read the Nebius account again: %s", printable(str(error)))
            with self._lock:
                self._due = time.monotonic() + min(5.0, self._refresh_interval)

    def _read(self, project: str | None) -> Inventory:
        asked = time.monotonic()
        answers = self._run(self._answers(project))
        now_ms = time.time_ns() // 1_000_000
        with self._lock:
            for name, answer in answers.items():
                if project is None and self._is_better_kept(name, answer, asked):
                    continue
                self._files[name], self._read_at[name] = answer, now_ms
                if name.endswith("/allowances.json"):
                    self._asked[name] = asked
            if project is None:
                self._due = time.monotonic() + self._refresh_interval
            world = World(dict(self._files), read_at=dict(self._read_at))
            self._inventory = world.inventory(now_ms=now_ms, projects=self._projects)
            return self._inventory

    def _is_better_kept(self, name: str, answer: Mapping[str, Any], now: float) -> bool:
        """Whether an earlier answer can be trusted more than this one, which is an error or a part of a list."""
        known = self._files.get(name)
        if known is None or "error" in known or not {"error", "interrupted"} & answer.keys():
            return False
        age_ms = time.time_ns() // 1_000_000 - self._read_at.get(name, 0)
        return age_ms <= self._maximum_age * 1_000 and ("error" in answer or "interrupted" not in known)

    async def _answers(self, project: str | None) -> dict[str, Any]:
        """The cloud's answers as the files of a world, an error in the place of an answer that did not come."""
        files: dict[str, Any] = {}
        if project is None or self._tenant is None:
            files.update(await self._account())
        tenant = self._tenant
        names: list[str] = list(_OF_TENANT) if tenant else []
        if project is None:
            listed = [item.get("metadata", {}).get("id", "") for item in files["tenant/projects.json"].get("items", [])]
            for one in self._projects if self._projects is not None else filter(None, listed):
                names += [f"projects/{one}/{file}.json" for file in ("allowances", "platforms", "capacity-allowances")]
        else:
            names += [f"projects/{project}/{file}.json" for file in _BEFORE_LAUNCH]
        answers = await asyncio.gather(*(self._list(name, name.split("/")[1]) for name in names))
        files.update(zip(names, answers))
        return files

    async def _account(self) -> dict[str, Any]:
        """The tenant and its projects."""
        tenants = TenantServiceClient(self._sdk)
        projects = ProjectServiceClient(self._sdk)
        if self._tenant is None:
            page = await self._pages(lambda token: tenants.list(ListTenantsRequest(page_token=token), **self._options))
            ids = [item.get("metadata", {}).get("id", "") for item in page.get("items", [])]
            if len(ids) == 1 and "interrupted" not in page:
                self._tenant = ids[0]
            elif self._projects:
                # Credentials that may not list tenants may still see a project, which knows whose it is.
                first = self._projects[0]
                project = await self._one(lambda: projects.get(GetProjectRequest(id=first), **self._options))
                self._tenant = project.get("metadata", {}).get("parent_id") or None
            if self._tenant is None:
                why = page if "error" in page else _error("INVALID_ARGUMENT", f"name the tenant: the credentials see {len(ids)}")
                return {"tenant/tenant.json": why, "tenant/projects.json": why}
        listed = await self._pages(
            lambda token: projects.list(
                ListProjectsRequest(parent_id=self._tenant, page_size=999, page_token=token), **self._options
            )
        )
        if "error" in listed and self._projects:
            # The projects are known by name, and each may still be seen.
            found = await asyncio.gather(*(self._one(partial(projects.get, GetProjectRequest(id=one), **self._options)) for one in self._projects))
            seen = [project for project in found if "error" not in project]
            if seen:
                listed = {"items": seen, "interrupted": f"the list of projects could not be read: {_told(listed)}"}
        return {"tenant/tenant.json": {"metadata": {"id": self._tenant}}, "tenant/projects.json": listed}

    async def _list(self, name: str, project: str) -> dict[str, Any]:
        """Asks for the list that a file of a world holds."""
        kind = name.rpartition("/")[2].removesuffix(".json")
        owner = project if name.startswith("projects/") else self._tenant
        client, request, rows = _QUESTIONS[kind]
        return await self._pages(
            lambda token: client(self._sdk).list(request(parent_id=owner, page_size=rows, page_token=token), **self._options)
        )

    async def _pages(self, ask: Callable[[str], Awaitable[Any]]) -> dict[str, Any]:
        """A list to its end, or as far as it can be read."""
        items: list[Any] = []
        seen: set[str] = set()
        token = ""
        while True:
            page = await self._one(lambda: ask(token))
            if "error" in page:
                if not seen:
                    return page
                return {"items": items, "interrupted": f"the list broke off after {len(seen)} pages: {_told(page)}"}
            items += page.get("items", [])
            seen.add(token)
            token = page.get("next_page_token", "")
            if not token:
                return {"items": items}
            if token in seen or len(seen) >= _MOST_PAGES:
                return {"items": items, "interrupted": f"the list does not end: {len(seen)} pages were read"}

    async def _one(self, ask: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
        """One answer as JSON, or the error in its place."""
        try:
            answer = await ask()
            made: dict[str, Any] = message_to_dict(answer, preserving_proto_field_name=True)
            return made
        except RequestError as error:
            return _error(error.status.code.name, error.status.message or "")
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # The SDK has errors of its own for credentials, deadlines and channels; none of them is an answer.
            return _error("UNAVAILABLE", f"{type(error).__name__}: {error}")


def failure(error: BaseException) -> dict[str, Any]:
    """A launch error of the SDK as JSON for ``Gate.diagnose``: its status with every ``ServiceError`` in it.

    Takes ``RequestError`` and ``OperationError``, and exceptions that were raised from one. Raises ``TypeError`` for
    others: they do not say what the cloud answered.
    """
    for found in _chain(error):
        status = getattr(found, "status", None)
        if status is not None and hasattr(status, "service_errors"):
            return {
                "code": status.code.name,
                "message": status.message or "",
                "details": [
                    {
                        "@type": "type.googleapis.com/nebius.common.v1.ServiceError",
                        **message_to_dict(detail, preserving_proto_field_name=True),
                    }
                    for detail in status.service_errors
                ],
            }
    raise TypeError(f"{type(error).__name__} holds no answer of the cloud")


def _chain(error: BaseException) -> Iterable[BaseException]:
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        found = waiting.pop(0)
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [found.__cause__, found.__context__, *found.args]


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _told(page: Mapping[str, Any]) -> str:
    return printable(f"{page['error']['code']}: {page['error']['message']}")
