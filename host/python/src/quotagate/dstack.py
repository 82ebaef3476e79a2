"""dstack shows which Nebius offers have quota, and refuses launches that are bound to fail, with the reason.

Install ``quotagate[dstack]`` beside the dstack server, and name the plugin in ``~/.dstack/server/config.yml``::

    plugins:
      - quotagate

- Offers of the Nebius backend get ``available``, ``no_quota``, ``not_available`` or ``unknown``, for the projects and regions
  that the backend is configured with. They are judged where dstack fills its own cache of offers, so as often as that.
- dstack tries no offer without quota. So a run that has no other offer is rejected when it is planned and when it is applied,
  and the user reads which quotas are too small, by how much, and what to do.
- Just before an instance is created, the quotas are read again. Where one is too small, dstack's own ``SkipOffer`` is raised
  with the reason, and nothing is created; what a launch takes is held until it is over.
- When the cloud refuses after all, the error says what it meant.

Nothing of dstack's files is changed: two methods of its ``NebiusCompute`` are wrapped in memory. ``QUOTAGATE_DSTACK=off``
leaves dstack alone, ``QUOTAGATE_DSTACK=shadow`` only logs what would have been said. Whatever fails here is logged, and
dstack goes on as without this plugin.

This module is what dstack imports. An error in it would stop dstack's server, so everything that touches a name of dstack is
imported by :func:`enable`, under a guard.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from ._mode import UnknownMode, mode

try:
    from dstack.plugins import Plugin
except Exception:  # Without dstack, or with one whose plugins are elsewhere.
    Plugin = object

logger = logging.getLogger("dstack.plugins.quotagate")

SETTING = "QUOTAGATE_DSTACK"
"""The environment variable that turns this off, or makes it only log."""


class QuotagatePlugin(Plugin):  # type: ignore[misc] # dstack has no types
    """What dstack loads."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self._policies: Any = None
        """Makes the policies, given dstack's event loop; None where there are none."""
        try:
            enable()
        except UnknownMode as error:
            logger.error("quotagate is off: %s", error)
            return
        except Exception as error:
            _unfit("leaves it alone", error)
            return
        try:
            if mode(SETTING) != "off":
                from ._dstack_policy import QuotaPolicy

                self._policies = lambda loop: [QuotaPolicy(loop)]
        except Exception as error:
            _unfit("rejects no run for it", error)

    def get_apply_policies(self, *_: Any, **__: Any) -> list[Any]:
        """The policy that rejects runs. dstack asks on its event loop, and calls the policy on another thread."""
        try:
            return [] if self._policies is None else list(self._policies(asyncio.get_running_loop()))
        except Exception:
            logger.exception("quotagate cannot judge this run, and lets it pass")
            return []


def _unfit(consequence: str, error: Exception) -> None:
    logger.error(
        "quotagate does not work with this version of dstack and %s; quotagate[dstack] names the versions that it works "
        "with: %s: %s",
        consequence,
        type(error).__name__,
        error,
        exc_info=True,
    )


def enable() -> None:
    """Wraps the two methods, unless the setting says ``off``. Does nothing a second time. Raises where dstack lacks what this
    needs, and leaves it alone then."""
    if mode(SETTING) == "off":
        return
    from . import _dstack

    _dstack.enable()


def disable() -> None:
    """Puts dstack's own methods back."""
    from . import _dstack

    _dstack.disable()
