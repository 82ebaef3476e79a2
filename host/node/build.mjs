// Builds the package: transpiles the plugin with jco, compiles the sources with tsc.
//
// QUOTAGATE_PLUGIN names the component; without it, cargo builds the one of this checkout.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";

const here = path.dirname(fileURLToPath(import.meta.url));
const workspace = path.join(here, "../..");
const generated = path.join(here, "src/generated");
const dist = path.join(here, "dist");

function run(program, ...args) {
  execFileSync(program, args, { cwd: here, stdio: "inherit" });
}

rmSync(generated, { recursive: true, force: true });
rmSync(dist, { recursive: true, force: true });
mkdirSync(generated, { recursive: true });
let plugin = process.env.QUOTAGATE_PLUGIN;
if (!plugin) {
  plugin = path.join(generated, "nebius.wasm");
  const exported = ["run", "--locked", "--quiet", "--", "plugin", "export", "nebius", "--output", plugin];
  execFileSync("cargo", exported, { cwd: workspace, stdio: "inherit" });
}
if (!existsSync(plugin)) throw new Error(`no plugin at ${plugin}: set QUOTAGATE_PLUGIN to the file of the component`);
// Synchronous instances: a call whose instance broke gets a fresh one at once.
run("npx", "jco", "transpile", plugin, "--name", "nebius", "--instantiation", "sync", "--quiet", "-o", generated);
run("npx", "tsc", "--project", here);
cpSync(generated, path.join(dist, "generated"), { recursive: true, filter: (file) => !file.endsWith("nebius.wasm") });
