"""The final check before a launch: read again what decides it, judge, and hold the amounts until the launch is over.

Holds are kept in the process. They keep two launches of one gate from spending the same unit; another process with the
same account has its own, and then the cloud refuses one of the two.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from ._shown import Band
from .inventory import Inventory
from .types import Admission, Demand, Launch, Policy, ReservedDemand, Verdict

if TYPE_CHECKING:
    from .gate import Gate


class LiveInventory(Protocol):
    """An inventory that can be read again, such as ``quotagate.nebius.NebiusAccount``."""

    def inventory(self) -> Inventory:
        """The account as it is known now."""

    def refresh(self, project: str | None = None) -> Inventory:
        """Reads again, and waits."""

    def expire(self) -> None:
        """Says that the account has changed."""

    def asked_since(self, instant: float) -> bool:
        """Whether every quota list in force was asked for after an instant of the steady clock."""


@dataclass(eq=False)
class _Hold:
    """What one launch takes, as long as no quota list shows it."""

    admission: Admission
    committed_at: float | None = None
    """When the launch was made, on the steady clock."""


@dataclass
class Verification:
    """The verdict on one launch, and its hold. Use it as a context: leaving it by an exception releases the hold, leaving
    it otherwise commits it."""

    launch: Launch
    """The launch, with its project filled in."""
    verdict: Verdict
    _verifier: Verifier
    _hold: _Hold | None

    @property
    def is_blocked(self) -> bool:
        """Whether a quota provably stands in the way; then nothing is held."""
        return self.verdict.quota == "blocked"

    def commit(self) -> None:
        """The launch was made: the amounts stay held until quota lists are in force that were asked for afterwards."""
        self._verifier._settle(self._hold, made=True)
        self._hold = None

    def release(self) -> None:
        """The launch was not made, or failed: the amounts are free again."""
        self._verifier._settle(self._hold, made=False)
        self._hold = None

    def __enter__(self) -> Verification:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.commit()
        else:
            self.release()


@dataclass
class Verifier:
    """Verifies launches against a live account, and is the inventory of the gate that lists its offers: what is held is
    missing there too."""

    source: LiveInventory
    _holds: list[_Hold] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _with_holds: tuple[int, tuple[_Hold, ...], Inventory] | None = None

    def inventory(self) -> Inventory:
        """The account as it is known now, less what is held."""
        return self._less_holds(self.source.inventory())

    def verify(self, gate: Gate, launch: Launch, *, policy: Policy = Policy()) -> Verification:
        """Reads again what decides about ``launch``, judges it, and holds what it takes unless a quota blocks it.

        ``gate`` must have this verifier as its inventory. Raises as ``Gate.check`` does.
        """
        located = gate.check(launch, policy=policy).launch
        self.source.refresh(located.profile.project or None)
        with self._lock:
            admission = gate.admit([located], policy=policy).admission
            hold = None
            if admission.verdict.quota != "blocked":
                hold = _Hold(admission)
                self._holds.append(hold)
        return Verification(located, admission.verdict, self, hold)

    def _settle(self, hold: _Hold | None, *, made: bool) -> None:
        if hold is None:
            return
        with self._lock:
            if made:
                hold.committed_at = time.monotonic()
            else:
                self._holds.remove(hold)
        if made:
            self.source.expire()

    def _less_holds(self, inventory: Inventory) -> Inventory:
        with self._lock:
            self._holds = [
                hold
                for hold in self._holds
                if hold.committed_at is None or not self.source.asked_since(hold.committed_at)
            ]
            if not self._holds:
                return inventory
            # The holds themselves, not their ids: those of holds that are gone are given out again.
            key = tuple(self._holds)
            if self._with_holds is None or self._with_holds[:2] != (inventory.generation, key):
                held = inventory.holding(*_sums(inventory, [hold.admission for hold in self._holds]))
                self._with_holds = (inventory.generation, key, held)
            return self._with_holds[2]


def _sums(
    inventory: Inventory, admissions: Sequence[Admission]
) -> tuple[dict[tuple[str, str, str], Band], dict[tuple[str, str], Band]]:
    """What launches take of each row, by owner, quota and region; and of each reservation, by project. A demand counts against
    the row of the tenant and that of the project."""
    rows: dict[tuple[str, str, str], Band] = {}
    reservations: dict[tuple[str, str], Band] = {}
    for admission in admissions:
        for demand in admission.demands:
            owners = {part["owner"] for part in inventory.shown_for(demand.project)["allowances"].values()} - {""}
            for owner in owners:
                key = owner, demand.quota, demand.region
                rows[key] = _plus(rows.get(key), demand)
        for reserved in admission.reserved:
            place = reserved.reservation, reserved.project
            reservations[place] = _plus(reservations.get(place), reserved)
    return rows, reservations


def _plus(band: Band | None, demand: Demand | ReservedDemand) -> Band:
    at_least, at_most = band or (0, 0)
    return at_least + demand.at_least, at_most + demand.at_most
