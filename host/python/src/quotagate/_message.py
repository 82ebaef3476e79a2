"""Messages of the cloud as its official CLI prints them: JSON by the rules of protobuf.

Names are snake_case or camelCase, 64-bit numbers are text or numbers, an absent member is the type's zero, and what this
package does not know is passed over: a newer CLI may print more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from .errors import InvalidInventory

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)")


class Message:
    """One message. Every reader raises ``InvalidInventory`` where the member is of another kind."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            raise InvalidInventory(f"{path} must be an object, and is {value!r:.60}")
        self._value = value
        self._path = path

    def has(self, name: str) -> bool:
        """Whether the member is there, and not null."""
        return self._member(name) is not None

    def message(self, name: str) -> Message:
        """A message within this one; an empty one where it is absent."""
        value = self._member(name)
        return Message({} if value is None else value, self._at(name))

    def messages(self, name: str) -> list[Message]:
        """A list of messages."""
        value = self._member(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(name, "a list", value)
        return [Message(item, f"{self._at(name)}[{index}]") for index, item in enumerate(value)]

    def text(self, name: str) -> str:
        """A text; empty where it is absent."""
        value = self._member(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._wrong(name, "text", value)
        return value

    def filled(self, name: str) -> str | None:
        """A text; None where it is absent or empty, which is how the wire spells an absent one."""
        return self.text(name) or None

    def truth(self, name: str) -> bool:
        """True or false; false where it is absent."""
        value = self._member(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def unsigned(self, name: str, bits: int = 64) -> int:
        """A whole number; zero where it is absent."""
        return self._whole(name, 0, (1 << bits) - 1) or 0

    def optional_unsigned(self, name: str) -> int | None:
        """A whole number of 64 bits; None where it is absent."""
        return self._whole(name, 0, (1 << 64) - 1)

    def signed(self, name: str) -> int:
        """A whole number of 32 bits with a sign; zero where it is absent."""
        return self._whole(name, -(1 << 31), (1 << 31) - 1) or 0

    def case(self, name: str, prefix: str, cases: Mapping[str, int], default: str) -> str:
        """An enum, by name or number, as the contract spells it: without its prefix, in lower case, with dashes.

        ``cases`` are the names that the contract has a word for, with the cloud's numbers; all else is ``default``.
        """
        value = self._member(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return next((known for known, number in cases.items() if number == value), default)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._wrong(name, "the name or number of a case", value)
        short = value.removeprefix(prefix).lower().replace("_", "-") if value.startswith(prefix) else ""
        return short if short in cases else default

    def word(self, name: str, prefix: str, words: Sequence[str]) -> str:
        """An enum, by name or number, as the cloud spells it. ``words`` are the names that are known, by number; another name
        reads as the first, and another number as itself."""
        value = self._member(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return words[value] if 0 <= value < len(words) else str(value)
        if value is None:
            return words[0]
        if not isinstance(value, str):
            raise self._wrong(name, "the name or number of a case", value)
        short = value.removeprefix(prefix)
        return short if short in words else words[0]

    def instant_ms(self, name: str) -> int | None:
        """An instant in milliseconds since the Unix epoch; None where it is absent or before the epoch."""
        value = self._member(name)
        if value is None:
            return None
        instant = instant_ms(value) if isinstance(value, str) else None
        if instant is None:
            raise self._wrong(name, "an instant of RFC 3339", value)
        return instant if instant >= 0 else None

    def _member(self, name: str) -> Any:
        if name in self._value:
            return self._value[name]
        head, *tail = name.split("_")
        return self._value.get(head + "".join(part.capitalize() for part in tail))

    def _whole(self, name: str, least: int, most: int) -> int | None:
        value = self._member(name)
        if value is None:
            return None
        number = _number(value)
        if number is None or not least <= number <= most:
            raise self._wrong(name, f"a whole number from {least} to {most}", value)
        return number

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _wrong(self, name: str, expected: str, value: Any) -> InvalidInventory:
        return InvalidInventory(f"`{self._at(name)}` must be {expected}, and is {value!r:.60}")


def instant_ms(text: str) -> int | None:
    """Milliseconds from the Unix epoch to an instant of RFC 3339; None where the text is none."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    date, clock, fraction, zone = found.groups()
    try:
        instant = datetime.fromisoformat(f"{date}T{clock}{'+00:00' if zone in 'Zz' else zone}")
    except ValueError:
        return None
    return (instant - _EPOCH) // timedelta(milliseconds=1) + int((fraction or "0")[:3].ljust(3, "0"))


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,20}", value):
        return int(value)
    return None
