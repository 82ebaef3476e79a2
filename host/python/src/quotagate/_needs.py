"""The check that an orchestrator still has what an integration uses of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Missing(RuntimeError):
    """The orchestrator lacks names that the integration uses."""


def require(needs: Iterable[tuple[Any, str]]) -> None:
    """Raises ``Missing``, which lists all of them, where an object lacks the name beside it."""
    missing = [f"{_path(owner)}.{name}" for owner, name in needs if not hasattr(owner, name)]
    if missing:
        raise Missing(f"it lacks {', '.join(missing)}")


def _path(owner: Any) -> str:
    """The full name of a module or a class."""
    return f"{owner.__module__}.{owner.__qualname__}" if isinstance(owner, type) else str(owner.__name__)
