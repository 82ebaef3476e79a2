"""A world: one account in a directory, each file what the official ``nebius`` CLI prints for it.

::

    WORLD/
      tenant/tenant.json  projects.json  allowances.json
             resource-advice.json  capacity-block-groups.json     (optional)
      projects/<project-id>/allowances.json  platforms.json
             capacity-allowances.json                             (optional)
      recorded.json   {"recorded_at": RFC 3339}                   (optional)

A missing file is a source that could not be read, a missing optional file an empty list, and a file
``{"error": {"code": "PERMISSION_DENIED", "message": "..."}}`` a source that answered so. A list that still carries a
``next_page_token`` is the first part of a longer one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _rows
from ._lists import AccountLists, Listed, ProjectLists
from ._message import Message, instant_ms
from ._rows import Malformed
from .errors import InvalidInventory
from .inventory import Inventory

_OPTIONAL = ("resource-advice.json", "capacity-block-groups.json", "capacity-allowances.json")
_LONGEST_TEXT = 1_000

Reader = Callable[[Message], Iterable[Any]]
"""Gives the rows that a message holds; ``Malformed`` among them stands for a row that makes no sense."""

Instant = Callable[[str], int]
"""When a file was read, by its name."""


@dataclass(frozen=True)
class World:
    """The files of one account: the JSON of each by its path below the world, such as ``tenant/allowances.json``."""

    files: Mapping[str, Any]
    root: Path | None = None
    """Where they came from, for messages."""
    read_at: Mapping[str, int] | None = None
    """When each file's answer was read from a live account, in milliseconds since the Unix epoch; None for a recording."""

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> World:
        """Reads a world directory; raises ``InvalidInventory`` where it is none, or a file of it is no JSON."""
        root = Path(directory)
        if not (root / "tenant").is_dir() and not (root / "projects").is_dir():
            raise InvalidInventory(f"no world at `{root}`: a world has the folders `tenant` and `projects`")
        files: dict[str, Any] = {}
        try:
            paths = [root / "recorded.json", *root.glob("tenant/*.json"), *root.glob("projects/*/*.json")]
            for path in sorted(path for path in paths if path.is_file()):
                files[path.relative_to(root).as_posix()] = _parse(path.read_bytes(), path)
            # A project without files is one all the same.
            for folder in sorted(path for path in root.glob("projects/*") if path.is_dir()):
                files.setdefault(f"projects/{folder.name}/", None)
        except OSError as error:
            raise InvalidInventory(f"cannot read `{root}`: {error}") from error
        return cls(files, root)

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> World:
        """Takes the text of each file by its path below the world."""
        if not texts:
            raise InvalidInventory("no world: it has no files")
        return cls({name: _parse(text, name) for name, text in texts.items()})

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Writes the files below a directory, for ``quotagate --recorded`` and for bug reports. Raises ``OSError``."""
        for name, value in self.files.items():
            path = Path(directory) / name
            if name.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def inventory(self, *, now_ms: int, projects: Sequence[str] | None = None) -> Inventory:
        """The account as a plugin is shown it. ``projects`` names those to read; without it, all that are listed.

        Raises ``InvalidInventory`` where a file is JSON, but not what the CLI prints.
        """
        lists = self.lists(now_ms=now_ms, projects=projects)
        return Inventory(lists.shown(), elsewhere=lists.shown_elsewhere())

    def lists(self, *, now_ms: int, projects: Sequence[str] | None = None) -> AccountLists:
        """What each source answered."""
        recorded_at = self._recorded_at(now_ms)

        def at(name: str) -> int:
            return recorded_at if self.read_at is None else self.read_at.get(name, 0)

        tenant, missing = self._tenant()
        listed = self._list("tenant/projects.json", _one(_rows.project), at)
        # Without a tenant nobody can be asked for its lists.
        account = self._missing(missing, at) if missing else listed
        allowances = (
            self._missing(missing, at) if missing else self._list("tenant/allowances.json", _one(_rows.allowance), at)
        )
        names = [item["id"] for item in account.items] if projects is None else projects
        homes = {item["id"]: (item["region"] or None, item["state"]) for item in reversed(account.items)}
        return AccountLists(
            tenant=tenant,
            account=account,
            allowances=allowances,
            capacities=self._list("tenant/resource-advice.json", _rows.capacities, at),
            reservations=self._list("tenant/capacity-block-groups.json", _some(_rows.reservation), at),
            projects={name: self._project(name, homes.get(name, (None, None)), at) for name in names},
        )

    def _project(self, name: str, home: tuple[str | None, str | None], at: Instant) -> ProjectLists:
        region, state = home

        def read(file: str, reader: Reader) -> Listed:
            return self._list(f"projects/{name}/{file}", reader, at)

        ids = sorted({path.split("/")[1] for path in self.files if path.startswith("projects/")})
        listed = self._answer("tenant/projects.json").messages("items") if self._holds("tenant/projects.json") else []
        if name not in ids:
            if name not in {item.message("metadata").text("id") for item in listed}:
                held = ", ".join(ids) or "none"
                why = f"the recorded world holds no project `{name}`; it holds {held}"
                nothing = Listed((), "unavailable", at(f"projects/{name}/allowances.json"), why)
                return ProjectLists(region, nothing, nothing, nothing, state)
            shares = self._missing(f"projects/{name}/capacity-allowances.json", at)
        else:
            shares = read("capacity-allowances.json", _one(_rows.reservation_share))
        return ProjectLists(
            region,
            allowances=read("allowances.json", _one(_rows.allowance)),
            instance_types=read("platforms.json", _rows.instance_types),
            reservation_shares=shares,
            state=state,
        )

    def _tenant(self) -> tuple[str, str | None]:
        """The tenant's id: what ``tenant.json`` says, else whom all the projects belong to. Where there is none, the file
        that should say so. Credentials that may not read the tenant may still list its projects."""
        file = "tenant/tenant.json"
        if self._holds(file):
            told = self._answer(file).message("metadata").text("id")
            if told:
                return told, None
        items = self._answer("tenant/projects.json").messages("items") if self._holds("tenant/projects.json") else []
        parents = {item.message("metadata").text("parent_id") for item in items} - {""}
        if len(parents) == 1:
            return parents.pop(), None
        return "", file

    def _list(self, name: str, reader: Reader, at: Instant) -> Listed:
        if not self._holds(name):
            if name not in self.files and name.rpartition("/")[2] in _OPTIONAL:
                return Listed((), "complete", at(name))
            return self._missing(name, at)
        page = self._answer(name)
        rows: list[Any] = []
        malformed: list[Malformed] = []
        for message in page.messages("items"):
            try:
                for row in reader(message):
                    malformed.append(row) if isinstance(row, Malformed) else rows.append(row)
            except Malformed as error:
                malformed.append(error)
        detail = None
        if page.has("interrupted"):
            detail = page.text("interrupted")
        elif page.text("next_page_token"):
            detail = f"`{name}` holds only a part of the list: it has a `next_page_token`; record it again"
        elif malformed:
            detail = (
                f"left out {len(malformed)} of the cloud's rows that make no sense, the first because {malformed[0]}"
            )
        return Listed(rows, "incomplete" if detail else "complete", at(name), detail)

    def _missing(self, name: str, at: Instant) -> Listed:
        """A source without an answer: the file holds an error, or is not there, or says nothing."""
        if name not in self.files:
            return Listed((), "unavailable", at(name), f"the recorded world has no `{name}`")
        refused = self._refusal(name)
        if refused is None:
            return Listed((), "unavailable", at(name), f"`{name}` holds no id of a tenant")
        code, message = refused.text("code"), refused.text("message")
        state: Any = "denied" if code.upper() == "PERMISSION_DENIED" else "unavailable"
        told = f"{printable(code)}: {printable(message)}"
        if self.read_at is None:
            told = f"`{name}` holds an error instead of an answer, {told}"
        return Listed((), state, at(name), told)

    def _holds(self, name: str) -> bool:
        return name in self.files and self._refusal(name) is None

    def _refusal(self, name: str) -> Message | None:
        file = Message(self.files[name], f"`{self._shown(name)}`")
        return file.message("error") if file.has("error") else None

    def _answer(self, name: str) -> Message:
        value = self.files[name]
        # An empty list is left out by the CLI, and so a page may be nothing but a token; any other object without `items`
        # is some other file.
        is_list = {"items", "next_page_token", "nextPageToken"} & value.keys() or not value
        if name != "tenant/tenant.json" and not is_list:
            raise InvalidInventory(f"`{self._shown(name)}` holds neither `items` nor an `error`")
        return Message(value, "")

    def _shown(self, name: str) -> str:
        return name if self.root is None else str(self.root / name)

    def _recorded_at(self, now_ms: int) -> int:
        if "recorded.json" not in self.files:
            return now_ms
        text = Message(self.files["recorded.json"], f"`{self._shown('recorded.json')}`").text("recorded_at")
        instant = instant_ms(text)
        if instant is None or instant < 0:
            raise InvalidInventory(f"`recorded.json` says `{text}`, which is no instant of RFC 3339 after 1970")
        return instant


def printable(text: str) -> str:
    """Without characters that would move a terminal's cursor, and not endless."""
    return "".join(" " if ord(letter) < 32 or 127 <= ord(letter) < 160 else letter for letter in text.strip()[:_LONGEST_TEXT])


def _one(read: Callable[[Message], Any]) -> Reader:
    return lambda message: (read(message),)


def _some(read: Callable[[Message], Any]) -> Reader:
    return lambda message: (row for row in (read(message),) if row is not None)


def _parse(text: str | bytes, name: str | Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInventory(f"`{name}` is malformed: {error}") from error
