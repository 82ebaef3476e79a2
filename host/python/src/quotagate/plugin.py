"""The plugin runtime: one WebAssembly component, compiled once, and a few instances of it, each used by one call at a
time.

A plugin is given the inventory and the time, and nothing else. An instance whose call went wrong is thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import wasmtime
from wasmtime.component import Component, ExportIndex, Func, Instance, Linker, Record

from .errors import ContractMismatch, PluginFailed, QuotagateError, TooLarge, refusal
from .inventory import Inventory
from .types import Descriptor, Needs

CONTRACT = "quotagate:plugin"
"""The package of the contract."""
CONTRACT_VERSION = "0.1.0"
"""The version that this host speaks."""

MAXIMUM_REQUEST_BYTES = 128 << 20
"""The longest request that a plugin is given; about 1.2 million offers."""
MAXIMUM_MEMORY_BYTES = 1 << 30
"""The most memory that an instance may take."""
MAXIMUM_INSTANCES = 4
"""Calls at a time; more wait."""
STEPS = 2_000_000_000
"""Steps that a call may take, before those of its request."""
STEPS_PER_BYTE = 5_000
"""Steps that a call may take besides, for each byte of its request."""

_INVENTORY = f"{CONTRACT}/inventory@{CONTRACT_VERSION}"
_GATE = f"{CONTRACT}/gate@{CONTRACT_VERSION}"
_TYPES = f"{CONTRACT}/types@{CONTRACT_VERSION}"
_CLOCK = "wasi:clocks/wall-clock@0.2."


class Plugin:
    """A compiled plugin. Shared by threads; every call gets an instance of its own."""

    def __init__(self, component: bytes, *, cache_directory: str | os.PathLike[str] | None = None) -> None:
        """Compiles a component, or takes what was compiled before from ``cache_directory``.

        The directory is ``$QUOTAGATE_CACHE_DIRECTORY``, else ``quotagate`` below ``$XDG_CACHE_HOME`` or ``~/.cache``; a
        path that is empty means that nothing is kept. Raises ``ContractMismatch`` where the component is no plugin of
        this version of the contract.
        """
        self.sha256 = hashlib.sha256(component).hexdigest()
        """SHA-256 of the bytes, in lower-case hexadecimal digits."""
        config = wasmtime.Config()
        config.consume_fuel = True
        self._engine = wasmtime.Engine(config)
        self._component = self._compile(component, _cache_folder(cache_directory))
        self._clock_import = self._check_contract()
        self._idle: list[_Instance] = []
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(MAXIMUM_INSTANCES)
        self.descriptor = self._describe()
        """What the plugin is."""

    @classmethod
    def nebius(cls, *, cache_directory: str | os.PathLike[str] | None = None) -> Plugin:
        """The plugin for Nebius, which this package carries. One is made per process."""
        global _nebius
        with _nebius_lock:
            if _nebius is None:
                carried = resources.files("quotagate") / "plugins" / "nebius.wasm"
                _nebius = cls(carried.read_bytes(), cache_directory=cache_directory)
            return _nebius

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Plugin:
        """A plugin from a component's file. Raises ``OSError``, or as the constructor does."""
        return cls(Path(path).read_bytes())

    def call(self, function: str, request: str, inventory: Inventory, now_ms: int) -> str:
        """Calls a JSON twin of ``wit/gate.wit``, such as ``assess-json``; gives its text.

        Raises ``InvalidLaunch`` or ``InvalidJson`` where the plugin refuses, ``TooLarge`` where the request is longer than
        ``MAXIMUM_REQUEST_BYTES``, and ``PluginFailed`` where it gives no answer.
        """
        try:
            length = len(request.encode())
        except UnicodeEncodeError as error:
            raise refusal("invalid-json", f"the request is not understood: {error}") from error
        if length > MAXIMUM_REQUEST_BYTES:
            raise TooLarge(f"the request has {length} bytes, a plugin takes {MAXIMUM_REQUEST_BYTES}: ask for less at a time")
        with self._instance() as instance:
            answer = instance.call(function, request, inventory, now_ms, STEPS + STEPS_PER_BYTE * length)
        if isinstance(answer, str):
            return answer
        raise refusal(str(getattr(answer, "code", answer)), str(getattr(answer, "message", "")))

    @contextlib.contextmanager
    def _instance(self) -> Iterator[_Instance]:
        """An instance, alone; kept for the next call unless this one fails."""
        with self._places:
            with self._lock:
                instance = self._idle.pop() if self._idle else None
            try:
                instance = instance or _Instance(self._engine, self._component, self._clock_import)
                yield instance
            except QuotagateError:
                raise
            except Exception as error:
                # A trap, a limit, or an answer that is not of the contract: the instance is not used again.
                raise PluginFailed(f"the plugin {self.sha256[:12]} gave no answer: {_first_line(error)}") from error
            with self._lock:
                self._idle.append(instance)

    def _describe(self) -> Descriptor:
        with self._instance() as instance:
            told = instance.describe()
        return Descriptor(
            cloud=str(told.cloud),
            version=str(told.version),
            needs=Needs(**{need.replace("-", "_"): True for need in told.needs}),
        )

    def _check_contract(self) -> str | None:
        """What the component asks for and gives, before anything of it runs; the name of the clock that it imports."""
        described = self._component.type
        clock = None
        for name in described.imports(self._engine):
            if name.startswith(_CLOCK):
                clock = name
            elif name not in (_INVENTORY, _TYPES):
                raise ContractMismatch(
                    f"the component imports `{name}`: this host gives {_INVENTORY} and the wall clock, and nothing else"
                )
        exports = described.exports(self._engine)
        if _GATE not in exports:
            given = ", ".join(exports) or "nothing"
            raise ContractMismatch(f"the component exports {given}, and not `{_GATE}`: it is of another version, or no plugin")
        return clock

    def _compile(self, component: bytes, folder: Path | None) -> Component:
        kept = folder / f"{self.sha256}-wasmtime-{metadata.version('wasmtime')}-fuel.cwasm" if folder else None
        if kept and _is_ours_alone(kept):
            # Compiled code is trusted like this package itself, so only a file that nobody else can write is taken.
            with contextlib.suppress(wasmtime.WasmtimeError):
                return Component.deserialize_file(self._engine, str(kept))
        try:
            compiled = Component(self._engine, component)
        except wasmtime.WasmtimeError as error:
            raise ContractMismatch(f"the file is no WebAssembly component: {_first_line(error)}") from error
        if kept:
            _keep(kept, bytes(compiled.serialize()))
        return compiled


_nebius: Plugin | None = None
_nebius_lock = threading.Lock()


@dataclass
class _Asked:
    """What the instance under call is shown; the functions that it imports read it."""

    inventory: Inventory | None = None
    now_ms: int = 0


class _Instance:
    """A store with one instance in it."""

    def __init__(self, engine: wasmtime.Engine, component: Component, clock_import: str | None) -> None:
        self._asked = _Asked()
        self._store = wasmtime.Store(engine)
        self._store.set_limits(memory_size=MAXIMUM_MEMORY_BYTES, instances=16, tables=16, memories=16)
        self._store.set_fuel(STEPS)
        linker = Linker(engine)
        self._define(linker, clock_import)
        self._instance = linker.instantiate(self._store, component)
        gate = self._instance.get_export_index(self._store, _GATE)
        if gate is None:
            raise ContractMismatch(f"the instance does not export `{_GATE}`")
        self._gate: ExportIndex = gate
        self._functions: dict[str, Func] = {}

    def call(self, function: str, request: str, inventory: Inventory, now_ms: int, steps: int) -> Any:
        self._asked.inventory, self._asked.now_ms = inventory, now_ms
        try:
            return self._invoke(function, steps, request)
        finally:
            self._asked.inventory = None

    def describe(self) -> Any:
        return self._invoke("describe", STEPS)

    def _invoke(self, function: str, steps: int, *arguments: Any) -> Any:
        self._store.set_fuel(steps)
        if function not in self._functions:
            found = _function(self._instance, self._store, self._gate, function)
            if found is None:
                raise ContractMismatch(f"the plugin lacks `{function}`, so it is of another version of the contract")
            self._functions[function] = found
        called = self._functions[function]
        answer = called(self._store, *arguments)
        called.post_return(self._store)
        return answer

    def _define(self, linker: Linker, clock_import: str | None) -> None:
        """Gives the plugin what it may ask for. Answers come from memory and never raise: an inventory was checked when
        it was made, and an exception would cost the instance."""
        asked = self._asked

        def shown(project: str) -> Any:
            assert asked.inventory is not None, "a plugin is only shown an inventory while it is called"
            return asked.inventory._shown(project)

        def now(_store: Any) -> Record:
            moment = Record()
            setattr(moment, "seconds", asked.now_ms // 1_000)
            setattr(moment, "nanoseconds", asked.now_ms % 1_000 * 1_000_000)
            return moment

        with linker.root() as root:
            with root.add_instance(_INVENTORY) as inventory:
                inventory.add_func("generation", lambda _: asked.inventory.generation if asked.inventory else 0)
                inventory.add_func("get-allowances", lambda _, project: shown(project).records["allowances"])
                inventory.add_func("get-instance-types", lambda _, project: shown(project).records["instance_types"])
                inventory.add_func("get-reservations", lambda _, project: shown(project).records["reservations"])
                inventory.add_func("get-sources", lambda _, project: shown(project).sources)
                inventory.add_func("get-capacities", lambda _: self._account().records["capacities"])
                inventory.add_func("get-blocks", lambda _: self._account().records["blocks"])
            if clock_import:
                with root.add_instance(clock_import) as clock:
                    clock.add_func("now", now)
                    clock.add_func("resolution", now)

    def _account(self) -> Any:
        """What is the same for every project."""
        assert self._asked.inventory is not None, "a plugin is only shown an inventory while it is called"
        return self._asked.inventory._anywhere()


def _function(instance: Instance, store: wasmtime.Store, gate: ExportIndex, name: str) -> Func | None:
    index = instance.get_export_index(store, name, gate)
    return None if index is None else instance.get_func(store, index)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # A trap names its cause last, after the frames of the plugin.
    return f"{lines[0]} ({lines[-1]})" if len(lines) > 1 else "".join(lines) or type(error).__name__


def _cache_folder(asked: str | os.PathLike[str] | None) -> Path | None:
    told = os.environ.get("QUOTAGATE_CACHE_DIRECTORY") if asked is None else os.fspath(asked)
    if told is not None:
        return Path(told) if told else None
    base = os.environ.get("XDG_CACHE_HOME")
    if sys.platform == "win32":
        base = base or os.environ.get("LOCALAPPDATA")
    with contextlib.suppress(RuntimeError):
        return (Path(base) if base else Path.home() / ".cache") / "quotagate" / "python"
    return None


def _is_ours_alone(path: Path) -> bool:
    """Whether only this user can have written the file."""
    try:
        found = path.stat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return stat.S_ISREG(found.st_mode)
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _keep(path: Path, compiled: bytes) -> None:
    """Writes compiled code for the next process. That it cannot be kept only costs time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(compiled)
        os.replace(file.name, path)
