"""Which of these offers can this cloud account really launch now, and if not, what exactly stands in the way?

>>> from quotagate import Gate, Inventory, Launch, Offer
>>> gate = Gate(Inventory.from_world("world"))                                          # doctest: +SKIP
>>> gate.check(Launch(Offer("gpu-h200-sxm 8gpu-128vcpu-1600gb", "eu-north1"))).verdict  # doctest: +SKIP

The judgement is a WebAssembly component, the same bytes in every host. ``quotagate.nebius`` reads a live account through
the official SDK, ``quotagate.dstack`` and ``quotagate.skypilot`` put the judgement into those orchestrators.
"""

from .errors import (
    AmbiguousProject,
    ContractMismatch,
    InvalidInventory,
    InvalidJson,
    InvalidLaunch,
    PluginFailed,
    QuotagateError,
    TooLarge,
)
from .gate import Check, Gate, InventorySource, JudgedOffer, PlanCheck
from .inventory import Inventory
from .plugin import Plugin
from .types import (
    Admission,
    BreakingLaunch,
    Demand,
    Descriptor,
    Diagnosis,
    Disk,
    Finding,
    Launch,
    Needs,
    Offer,
    Policy,
    Profile,
    ReservedDemand,
    Verdict,
)
from .verify import LiveInventory, Verification, Verifier

__all__ = [
    "Admission",
    "AmbiguousProject",
    "BreakingLaunch",
    "Check",
    "ContractMismatch",
    "Demand",
    "Descriptor",
    "Diagnosis",
    "Disk",
    "Finding",
    "Gate",
    "InvalidInventory",
    "InvalidJson",
    "InvalidLaunch",
    "Inventory",
    "InventorySource",
    "JudgedOffer",
    "Launch",
    "LiveInventory",
    "Needs",
    "Offer",
    "PlanCheck",
    "Plugin",
    "PluginFailed",
    "Policy",
    "Profile",
    "QuotagateError",
    "ReservedDemand",
    "TooLarge",
    "Verdict",
    "Verification",
    "Verifier",
]
