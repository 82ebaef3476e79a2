"""Judges the offers of an account that was recorded, and one launch of them."""

import sys

from quotagate import Disk, Gate, Inventory, Launch, Offer, Profile
from quotagate.words import reason

gate = Gate(Inventory.from_world(sys.argv[1]))

for judged in gate.filter(gate.inventory().offers()):
    if judged.offer.region == "eu-north1" and "h200" in judged.offer.instance_type:
        print(f"{judged.offer.instance_type:38} {judged.offer.lifecycle:12} {judged.verdict.availability}")

launch = Launch(
    Offer("gpu-h200-sxm 8gpu-128vcpu-1600gb", "eu-north1"),
    profile=Profile(disks=(Disk("network-ssd", 100 << 30),), private_addresses=1),
)
print(reason(gate.check(launch).verdict))
