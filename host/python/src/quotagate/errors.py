"""What can go wrong, as exceptions. A shortage never is one: it is a verdict."""

from __future__ import annotations

from typing import ClassVar


class QuotagateError(Exception):
    """The base of everything that this package raises.

    ``code`` is stable: programs may match on it. The message says what failed, on what, and what to do about it.
    """

    code: ClassVar[str] = "quotagate"

    @property
    def message(self) -> str:
        """What is wrong, in words."""
        return str(self)


class InvalidLaunch(QuotagateError):
    """The launch makes no sense: no instances, an unknown kind of disk, a preemptible type without GPUs."""

    code = "invalid-launch"


class InvalidJson(QuotagateError):
    """The request or the error text is not what the function takes."""

    code = "invalid-json"


class InvalidInventory(QuotagateError):
    """A world directory, a file of it, or an inventory as JSON is malformed."""

    code = "invalid-inventory"


class AmbiguousProject(QuotagateError):
    """A launch names no project, and its region has several."""

    code = "ambiguous-project"


class TooLarge(QuotagateError):
    """More was asked in one call than a plugin may be given."""

    code = "too-large"


class ContractMismatch(QuotagateError):
    """The component is no plugin, or one of another version of the contract, or asks for more than a plugin may."""

    code = "contract-mismatch"


class PluginFailed(QuotagateError):
    """The plugin gave no answer, or one that contradicts the contract. The next call gets a fresh instance."""

    code = "plugin-failed"


def refusal(code: str, message: str) -> QuotagateError:
    """The exception for an error that the plugin answered with."""
    for kind in (InvalidLaunch, InvalidJson):
        if kind.code == code:
            return kind(message)
    return PluginFailed(f"the plugin refused with the unknown code {code!r}: {message}")
