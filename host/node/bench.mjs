// How long a list takes: prints a line of JSON for each length, as the other hosts do.
//
//     node bench.mjs WORLD

import { performance } from "node:perf_hooks";

import { Gate, Inventory } from "quotagate";

const REPEATS = 15;
const inventory = Inventory.fromWorld(process.argv[2] ?? "../../tests/emulator/worlds/acme");
const gate = new Gate(inventory);
const known = inventory.offers();
const [first] = known;
const [project] = inventory.projectsIn(first.region);

for (const kind of ["catalog", "distinct"]) {
  for (const length of [1, 200, 1_000, 5_000]) {
    // As orchestrators list: the account's own types, again and again; or as many types as there are offers.
    const named = (index) => ({ ...first, instance_type: `${first.instance_type} ${index}` });
    const offers = Array.from({ length }, (_, index) => (kind === "catalog" ? known[index % known.length] : named(index)));
    const options = kind === "catalog" ? {} : { profile: { project } };
    const taken = Array.from({ length: REPEATS }, () => {
      const start = performance.now();
      gate.filter(offers, options);
      return performance.now() - start;
    }).sort((one, other) => one - other);
    const median = taken[Math.floor(REPEATS / 2)];
    console.log(JSON.stringify({ host: "node", offers: length, kind, median_ms: Number(median.toFixed(3)) }));
  }
}
