"""The one setting of an integration: on, off, or only talking."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

Mode = Literal["on", "shadow", "off"]

_WORDS: Mapping[str, Mode] = {
    "": "on",
    "on": "on",
    "1": "on",
    "true": "on",
    "yes": "on",
    "shadow": "shadow",
    "off": "off",
    "0": "off",
    "false": "off",
    "no": "off",
}


class UnknownMode(ValueError):
    """The setting holds a word that is none of the modes."""


def mode(variable: str) -> Mode:
    """What an environment variable says; ``on`` where it is not set. Raises ``UnknownMode`` for a word that is no mode."""
    told = os.environ.get(variable, "")
    try:
        return _WORDS[told.strip().lower()]
    except KeyError:
        raise UnknownMode(f"{variable} is {told!r:.60}: give on, shadow or off") from None
