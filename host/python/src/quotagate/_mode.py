"""The one setting of an integration: on, off, or only talking."""

from __future__ import annotations

import os
from typing import Literal

Mode = Literal["on", "shadow", "off"]


def mode(variable: str) -> Mode:
    """What an environment variable says; ``on`` where it is not set."""
    told = os.environ.get(variable, "on").strip().lower()
    if told in ("off", "0", "false", "no"):
        return "off"
    return "shadow" if told == "shadow" else "on"
