// Every judging case of the conformance suite, through the JSON twins and through the objects.

import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { Gate, Inventory, QuotagateError, parse, stringify } from "quotagate";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = process.env.QUOTAGATE_CONFORMANCE ?? path.join(here, "../../../tests/conformance");
const names = readdirSync(path.join(root, "cases")).map((file) => path.basename(file, ".json"));
const answers = {};

function read(...parts) {
  return readFileSync(path.join(root, ...parts), "utf8");
}

function textsOf(folder, below = "") {
  return readdirSync(path.join(folder, below)).reduce((texts, name) => {
    const inside = path.posix.join(below, name);
    if (statSync(path.join(folder, inside)).isDirectory()) return { ...texts, ...textsOf(folder, inside) };
    return { ...texts, [inside]: readFileSync(path.join(folder, inside), "utf8") };
  }, {});
}

function inventoryOf(item) {
  const nowMs = item.now;
  if (item.inventory) return Inventory.fromJson(read("inventories", `${item.inventory}.json`));
  if (item.world === undefined) return new Inventory({});
  if (typeof item.world === "string") return Inventory.fromWorld(path.join(root, "worlds", item.world), { nowMs });
  const texts = textsOf(path.join(root, "worlds", item.world.like));
  for (const [name, value] of Object.entries(item.world.files)) {
    if (value === null) delete texts[name];
    else texts[name] = stringify(value);
  }
  return Inventory.fromTexts(texts, { nowMs });
}

function ask(item) {
  const inventory = inventoryOf(item);
  const gate = new Gate(inventory, { clock: () => item.now });
  const request = typeof item.request === "string" ? item.request : stringify(item.request);
  try {
    return { answer: parse(gate[`${item.call}Json`](request)) };
  } catch (error) {
    if (!(error instanceof QuotagateError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

function expected(item) {
  return item.error ? { error: item.error } : { answer: item.answer };
}

test("there are cases", () => assert.ok(names.length > 100));

for (const name of names) {
  const item = parse(read("cases", `${name}.json`));
  if (item.call === "inventory") continue;
  test(name, () => {
    answers[name] = ask(item);
    assert.deepEqual(answers[name], expected(item));
  });
  const isTyped = typeof item.request === "object" && (item.call === "admit" || (item.call === "assess" && item.request.profile.project));
  test(`${name}, by objects`, { skip: !isTyped && "asked by text alone" }, () => {
    const gate = new Gate(inventoryOf(item), { clock: () => item.now });
    const { offers, count, profile, policy, plan } = item.request;
    try {
      const answer = plan
        ? gate.admit(plan, policy).admission
        : { verdicts: gate.filter(offers, { count, profile, policy }).map((judged) => judged.verdict) };
      assert.deepEqual({ answer }, expected(item));
    } catch (error) {
      if (!(error instanceof QuotagateError)) throw error;
      assert.deepEqual({ error: { code: error.code, message: error.message } }, expected(item));
    }
  });
}

test.after(() => {
  const folder = process.env.QUOTAGATE_CONFORMANCE_RESULTS;
  if (folder) writeFileSync(path.join(folder, "node.json"), stringify(answers));
});
