"""`dstack server`, unmodified but for the address of Nebius, for which dstack has no setting.

    python serve.py ADDRESS OPTION...
"""

import sys

from dstack._internal.core.backends.nebius import resources
from nebius.base.options import INSECURE
from nebius.base.resolver import Constant
from nebius.sdk import SDK

address = sys.argv[1]


def to_the_emulator(**options) -> SDK:
    return SDK(resolver=Constant(address), options=[(INSECURE, True)], **options)


resources.SDK = to_the_emulator
sys.argv[1:2] = ["server"]

from dstack._internal.cli.main import main  # noqa: E402 - after the address is set

main()
