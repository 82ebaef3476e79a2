"""What each source of an account answered, and what a plugin is shown of it for a project.

The shape is that of the Rust host's ``inventory/lists.rs``, and the conformance suite holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

SourceState = Literal["complete", "denied", "unavailable", "incomplete"]


@dataclass(frozen=True)
class Listed:
    """What one source answered, in the words of the contract, and how far it can be trusted."""

    items: Sequence[Any]
    state: SourceState
    fetched_at: int
    detail: str | None = None

    @property
    def source(self) -> dict[str, Any]:
        """The record of the contract."""
        return {"state": self.state, "fetched_at": self.fetched_at, "detail": self.detail}


_NOT_ASKED_FOR = Listed((), "unavailable", 0, "it was not asked for")


@dataclass(frozen=True)
class ProjectLists:
    """The sources of one project."""

    region: str | None
    allowances: Listed
    instance_types: Listed
    reservation_shares: Listed
    state: str | None = None
    """The project's, in the cloud's own word; None where the cloud does not say."""


@dataclass(frozen=True)
class AccountLists:
    """The sources of an account."""

    tenant: str
    """Its id; empty where it is not known."""
    account: Listed
    """The projects."""
    allowances: Listed
    capacities: Listed
    reservations: Listed
    projects: Mapping[str, ProjectLists] = field(default_factory=dict)

    def shown(self) -> dict[str, dict[str, Any]]:
        """What a plugin is shown, by project."""
        return {name: self._shown(name, lists) for name, lists in self.projects.items()}

    def shown_elsewhere(self) -> dict[str, Any]:
        """What a plugin is shown for a project that was not read: nothing is offered there, if the list of projects is to
        be believed."""
        account = replace(self.account, items=())
        return self._shown("", ProjectLists(None, _NOT_ASKED_FOR, account, _NOT_ASKED_FOR))

    def _shown(self, project: str, lists: ProjectLists) -> dict[str, Any]:
        rows_known = lists.allowances.state in ("complete", "incomplete")
        tenant_known = self.allowances.state in ("complete", "incomplete")
        return {
            "allowances": {
                "tenant": {
                    "owner": self.tenant if tenant_known else "",
                    "rows": list(self.allowances.items),
                    "source": self.allowances.source,
                },
                "project": {
                    "owner": project if rows_known else "",
                    "rows": list(lists.allowances.items),
                    "source": lists.allowances.source,
                },
            },
            "instance_types": {
                "region": lists.region,
                "project_state": lists.state,
                "items": list(lists.instance_types.items),
                "source": lists.instance_types.source,
            },
            "capacities": {"items": list(self.capacities.items), "source": self.capacities.source},
            "reservations": self._reservations(lists.reservation_shares),
            "blocks": [],
        }

    def _reservations(self, shares: Listed) -> dict[str, Any]:
        """The tenant's reservations with the project's shares. Where these could not be read, the answer could not."""
        by_reservation: dict[str, Mapping[str, Any]] = {}
        for share in shares.items:
            by_reservation.setdefault(share["reservation"], share)
        items = []
        for item in self.reservations.items:
            share = dict(by_reservation.get(item["id"], {}))
            share.pop("reservation", None)
            items.append({**item, **share})
        told = self.reservations if not items or shares.state == "complete" else shares
        return {"items": items, "source": told.source}
