// The public API: what it answers, and what bad input gets.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

import {
  AmbiguousProject,
  ContractMismatch,
  Gate,
  InvalidInventory,
  InvalidJson,
  InvalidLaunch,
  Inventory,
  MAXIMUM_REQUEST_LENGTH,
  Plugin,
  PluginFailed,
  TooLarge,
  parse,
  stringify,
} from "quotagate";

const here = path.dirname(fileURLToPath(import.meta.url));
const acme = process.env.QUOTAGATE_WORLD ?? path.join(here, "../../../tests/emulator/worlds/acme");
const offer = { instance_type: "gpu-h200-sxm 8gpu-128vcpu-1600gb", region: "eu-north1", lifecycle: "on-demand" };
const launch = { offer, count: 1, profile: {} };
const gate = new Gate(Inventory.fromWorld(acme));

test("a launch without quota says what is missing", () => {
  const { verdict } = gate.check(launch);
  assert.equal(verdict.availability, "no_quota");
  const [{ quota, headroom, shortfall, minimum_limit }] = verdict.findings;
  assert.deepEqual({ quota, headroom, shortfall, minimum_limit }, { quota: "compute.instance.gpu.h200", headroom: 2, shortfall: 6, minimum_limit: 38 });
});

test("offers keep their order and what else the caller has in them", () => {
  const offers = gate.inventory().offers().map((one) => ({ ...one, price: Number.NaN }));
  const judged = gate.filter([...offers, ...offers]);
  assert.equal(judged.length, 2 * offers.length);
  judged.forEach((item, index) => assert.ok(item.index === index && item.offer === offers[index % offers.length]));
});

test("the inventory may change between calls", () => {
  let latest = gate.inventory();
  const live = new Gate(() => latest);
  assert.equal(live.check(launch).verdict.quota, "blocked");
  latest = new Inventory({});
  assert.equal(live.check(launch).verdict.quota, "unknown");
});

test("an inventory survives JSON", () => {
  const text = stringify(gate.inventory().toJson());
  assert.deepEqual(Inventory.fromJson(text).toJson(), gate.inventory().toJson());
});

test("an inventory without the newer fields is read", () => {
  const folder = process.env.QUOTAGATE_CONFORMANCE ?? path.join(here, "../../../tests/conformance");
  const text = readFileSync(path.join(folder, "inventories/may-be-held.json"), "utf8");
  const value = JSON.parse(text);
  for (const project of Object.values(value.projects)) {
    delete project.instance_types.project_state;
    for (const row of project.allowances.tenant.rows) delete row.held_at_most;
    for (const item of project.reservations.items) {
      for (const name of ["held_at_most", "project_held", "project_held_at_most"]) delete item[name];
    }
  }
  const clock = () => 1790000000000;
  const profile = { project: "project-e00test", reservation: "forbid" };
  const quota = (read) => new Gate(Inventory.fromJson(read), { clock }).check({ offer, count: 2, profile }).verdict.quota;
  assert.equal(quota(JSON.stringify(value)), "fits");
  assert.equal(quota(text), "unknown");
  delete value.projects["project-e00test"].allowances.tenant.rows[0].held;
  assert.throws(() => Inventory.fromJson(JSON.stringify(value)), InvalidInventory);
});

test("a component of another contract is refused", () => {
  const other = { instantiate: () => ({ "quotagate:plugin/gate@0.2.0": {} }) };
  assert.throws(() => new Plugin(other, new URL("file:///")), ContractMismatch);
});

test("a plugin that breaks makes verdicts unknown, and the next call gets a fresh instance", () => {
  let instances = 0;
  const assessJson = () => {
    throw new WebAssembly.RuntimeError("unreachable");
  };
  const gateOf = { describe: () => ({ cloud: "x", version: "0", needs: {} }), assessJson, admitJson: () => "rubbish" };
  const breaking = {
    instantiate: () => {
      instances += 1;
      return { "quotagate:plugin/gate@0.1.0": gateOf };
    },
  };
  const broken = new Gate(gate.inventory(), { plugin: new Plugin(breaking, new URL("file:///")) });
  for (const asked of [1, 2]) {
    const { verdict } = broken.check(launch);
    assert.equal(verdict.quota, "unknown");
    assert.match(verdict.findings[0].detail, /unreachable/);
    assert.equal(instances, asked);
  }
  assert.equal(broken.admit([launch]).admission.verdict.quota, "unknown");
  assert.throws(() => broken.assessJson("{}"), PluginFailed);
});

test("what is no inventory is refused", () => {
  for (const text of ["", "[]", "{}", '{"projects": []}', '{"projects": {"p": {}}}', '{"projects": {"p": 1}}']) {
    assert.throws(() => Inventory.fromJson(text), InvalidInventory, text);
  }
  for (const value of [-1, 2n ** 64n, 1.5, "1", true, null, Number.NaN, 2 ** 60]) {
    const broken = structuredClone(gate.inventory().toJson());
    broken.projects["project-e00eunorth1"].allowances.tenant.rows[3].usage = value;
    assert.throws(() => Inventory.fromJson(broken), /project-e00eunorth1\.allowances\.tenant\.rows\[3\]\.usage/);
  }
});

test("what is no world is refused", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "quotagate-"));
  assert.throws(() => Inventory.fromWorld(folder), /no world at/);
  mkdirSync(path.join(folder, "tenant"));
  writeFileSync(path.join(folder, "tenant/allowances.json"), "[");
  assert.throws(() => Inventory.fromWorld(folder), /allowances.json` is malformed/);
});

test("an offer that lacks something is named", () => {
  for (const broken of [{}, null, 5, { ...offer, region: Number.NaN }]) {
    assert.throws(() => gate.filter([offer, broken]), /offer 1 has no text/);
  }
});

test("offers of another cloud are not offered", () => {
  const [{ project, verdict }] = gate.filter([{ instance_type: "p5.48xlarge", region: "us-east-1", lifecycle: "on-demand" }]);
  assert.deepEqual([project, verdict.quota, verdict.capacity], ["", "unknown", "unlikely"]);
});

test("what makes no sense is the caller's fault", () => {
  assert.throws(() => gate.check({ ...launch, count: 0 }), InvalidLaunch);
  assert.throws(() => gate.check({ ...launch, count: Number.NaN }), InvalidLaunch);
  assert.throws(() => gate.diagnose("quota exceeded"), InvalidJson);
  const shown = gate.inventory().shownFor("project-e00eunorth1");
  const twice = new Gate(new Inventory({ one: shown, two: shown }));
  assert.throws(() => twice.check(launch), AmbiguousProject);
  assert.deepEqual(twice.filter([offer]).map((item) => item.project), ["one", "two"]);
});

test("a million offers are judged or refused", () => {
  const few = gate.inventory().offers();
  const many = Array.from({ length: 1_000_000 }, (_, index) => few[index % few.length]);
  assert.equal(gate.filter(many).length, 1_000_000);
  const named = Array.from({ length: 25_000 }, (_, index) => ({ ...offer, instance_type: `type ${index}` }));
  const different = gate.filter(named);
  assert.ok(different.every((item, index) => item.offer === named[index] && item.verdict.findings[0].reason === "not-offered"));
  assert.throws(() => gate.assessJson(" ".repeat(MAXIMUM_REQUEST_LENGTH + 1)), TooLarge);
  assert.equal(gate.check(launch).verdict.quota, "blocked");
});

test("numbers keep every digit", () => {
  const text = '{"a":18446744073709551615,"b":1,"c":0.5,"d":9007199254740993}';
  assert.equal(stringify(parse(text)), text);
  assert.throws(() => stringify({ a: Number.NaN }), TypeError);
});

test("the example is what the page shows, and runs", () => {
  const file = path.join(here, "../example.mjs");
  const page = readFileSync(path.join(here, "../README.md"), "utf8");
  assert.ok(page.includes(`\`\`\`js\n${readFileSync(file, "utf8")}\`\`\``));
  assert.match(execFileSync(process.execPath, [file, acme], { encoding: "utf8" }), /blocked: compute.instance.gpu.h200 needs 8, 2 free/);
});
