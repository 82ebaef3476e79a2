"""SkyPilot asks for quota before it tries a region of Nebius.

SkyPilot calls ``check_quota_available`` of a cloud just before each attempt to provision, and goes on to the next region
where it says no; for Nebius it always says yes. Install ``quotagate[skypilot]`` beside the API server, and name the plugin in
``~/.sky/plugins.yaml``::

    plugins:
      - class: quotagate.skypilot.QuotagatePlugin

The answer becomes no where a limit is below what one instance needs, with the reason in SkyPilot's log. What is used of a
limit never makes it no: usage comes and goes, SkyPilot does not try the region again during the request, and it asks for
clusters that exist, too, whose own instances are part of the usage. On any doubt, and whatever fails here, it stays yes.
``QUOTAGATE_SKYPILOT=off`` leaves SkyPilot alone, ``QUOTAGATE_SKYPILOT=shadow`` only logs.

SkyPilot asks about one instance and does not say how many nodes a cluster has, so one is what is judged.

This module is what SkyPilot imports. SkyPilot's server does not start when a plugin raises an error, so everything that
touches a name of SkyPilot is imported by :func:`enable`, under a guard.
"""

from __future__ import annotations

import logging
from typing import Any

from ._mode import UnknownMode, mode

try:
    from sky.server.plugins import BasePlugin
except Exception:  # Without SkyPilot, or with one whose plugins are elsewhere.
    BasePlugin = object

logger = logging.getLogger("sky.quotagate")

SETTING = "QUOTAGATE_SKYPILOT"
"""The environment variable that turns this off, or makes it only log."""


class QuotagatePlugin(BasePlugin):  # type: ignore[misc] # SkyPilot has no types
    """What SkyPilot loads."""

    @property
    def name(self) -> str:
        """How SkyPilot shows it."""
        return "quotagate"

    def install(self, *_: Any, **__: Any) -> None:
        """Called by SkyPilot in each of its processes. Raises nothing: SkyPilot would not start."""
        try:
            enable()
        except UnknownMode as error:
            logger.error("quotagate is off: %s", error)
        except Exception as error:
            logger.error(
                "quotagate does not work with this version of SkyPilot and leaves it alone; quotagate[skypilot] names the "
                "versions that it works with: %s: %s",
                type(error).__name__,
                error,
                exc_info=True,
            )


def enable() -> None:
    """Wraps the hook, unless the setting says ``off``. Does nothing a second time. Raises where SkyPilot lacks what this
    needs, and leaves it alone then."""
    if mode(SETTING) == "off":
        return
    from . import _skypilot

    _skypilot.enable()


def disable() -> None:
    """Puts SkyPilot's own hook back."""
    from . import _skypilot

    _skypilot.disable()
