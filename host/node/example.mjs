// Judges the offers of an account that was recorded, and one launch of them.

import { Gate, Inventory } from "quotagate";

const gate = new Gate(Inventory.fromWorld(process.argv[2]));

for (const { offer, verdict } of gate.filter(gate.inventory().offers())) {
  if (offer.region === "eu-north1" && offer.instance_type.includes("h200")) {
    console.log(offer.instance_type, offer.lifecycle, verdict.availability);
  }
}

const { verdict } = gate.check({
  offer: { instance_type: "gpu-h200-sxm 8gpu-128vcpu-1600gb", region: "eu-north1", lifecycle: "on-demand" },
  count: 1,
  profile: { disks: [{ kind: "network-ssd", bytes: 100 * 2 ** 30, count: 1 }], private_addresses: 1 },
});
const [finding] = verdict.findings;
console.log(`${verdict.quota}: ${finding.quota} needs ${finding.required}, ${finding.headroom} free; ${finding.remedy}`);
