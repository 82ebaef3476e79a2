// The plugin runtime: one component, transpiled by jco and compiled once, and one instance of it, made anew after a failure.
//
// A plugin is given the inventory and the time, and nothing else. Calls are synchronous, so one instance serves them all.

import { readFileSync } from "node:fs";

import { ContractMismatch, PluginFailed, QuotagateError, TooLarge, refusal } from "./errors.js";
import * as nebius from "./generated/nebius.js";
import type { Inventory } from "./inventory.js";

/** The package of the contract, and the version that this host speaks. */
export const CONTRACT = "quotagate:plugin";
export const CONTRACT_VERSION = "0.1.0";
/** The longest request that a plugin is given, in UTF-16 units; about 1.2 million offers. */
export const MAXIMUM_REQUEST_LENGTH = 128 * 2 ** 20;

/** A component as `jco transpile --instantiation sync` leaves it. */
export interface Transpiled {
  instantiate(
    getCoreModule: (path: string) => WebAssembly.Module,
    // The generated type names versions that the generated code does not ask for.
    imports: never,
  ): unknown;
}

/** What a plugin is. */
export interface Descriptor {
  cloud: string;
  version: string;
  needs: {
    allowances?: boolean;
    instanceTypes?: boolean;
    capacities?: boolean;
    reservations?: boolean;
  };
}

/** A JSON twin of `wit/gate.wit`. */
export type Twin = "assessJson" | "admitJson" | "diagnoseJson";

type Exports = Record<Twin, (request: string) => string> & { describe(): Descriptor };

interface Asked {
  inventory: Inventory | undefined;
  nowMs: number;
}

/** A compiled plugin. */
export class Plugin {
  static #nebius: Plugin | undefined;
  readonly #transpiled: Transpiled;
  readonly #folder: URL;
  readonly #modules = new Map<string, WebAssembly.Module>();
  readonly #asked: Asked = { inventory: undefined, nowMs: 0 };
  #instance: Exports | undefined;
  /** What the plugin is. */
  readonly descriptor: Descriptor;

  /**
   * Takes a component that was transpiled with `jco transpile --instantiation sync`, and the folder of its core modules.
   * Throws `ContractMismatch` where it is no plugin of this version of the contract.
   */
  constructor(transpiled: Transpiled, folder: URL) {
    this.#transpiled = transpiled;
    this.#folder = folder;
    this.descriptor = this.#attempt((instance) => instance.describe());
  }

  /** The plugin for Nebius, which this package carries. One is made per process. */
  static nebius(): Plugin {
    Plugin.#nebius ??= new Plugin(nebius as Transpiled, new URL("./generated/", import.meta.url));
    return Plugin.#nebius;
  }

  /**
   * Calls a JSON twin; gives its text. Throws `InvalidLaunch` or `InvalidJson` where the plugin refuses, `TooLarge` where the
   * request is longer than `MAXIMUM_REQUEST_LENGTH`, and `PluginFailed` where it gives no answer.
   */
  call(twin: Twin, request: string, inventory: Inventory, nowMs: number): string {
    if (request.length > MAXIMUM_REQUEST_LENGTH) {
      throw new TooLarge(`the request has ${request.length} characters, a plugin takes ${MAXIMUM_REQUEST_LENGTH}`);
    }
    this.#asked.inventory = inventory;
    this.#asked.nowMs = nowMs;
    try {
      return this.#attempt((instance) => instance[twin](request));
    } finally {
      this.#asked.inventory = undefined;
    }
  }

  #attempt<Answer>(ask: (instance: Exports) => Answer): Answer {
    try {
      this.#instance ??= this.#instantiate();
      return ask(this.#instance);
    } catch (error) {
      if (error instanceof QuotagateError) throw error;
      const payload = (error as { payload?: { code?: unknown; message?: unknown } }).payload;
      if (payload && typeof payload.code === "string") throw refusal(payload.code, String(payload.message));
      // A trap, or an answer that is not of the contract: the instance is not used again.
      this.#instance = undefined;
      throw new PluginFailed(`the plugin gave no answer: ${String(error)}`, { cause: error });
    }
  }

  #instantiate(): Exports {
    const imports: Record<string, unknown> = {};
    const give = (name: string, version: string, functions: unknown) => {
      // Some versions of jco ask with the version, some without.
      imports[name] = functions;
      imports[`${name}@${version}`] = functions;
    };
    give(`${CONTRACT}/inventory`, CONTRACT_VERSION, this.#inventory());
    const now = () => ({
      seconds: BigInt(Math.floor(this.#asked.nowMs / 1_000)),
      nanoseconds: (this.#asked.nowMs % 1_000) * 1_000_000,
    });
    give("wasi:clocks/wall-clock", "0.2.12", { now, resolution: () => ({ seconds: 0n, nanoseconds: 1_000_000 }) });
    const exported = `${CONTRACT}/gate@${CONTRACT_VERSION}`;
    const made = this.#transpiled.instantiate((file) => this.#module(file), imports as never) as Record<string, Exports>;
    const gate = made[exported];
    if (!gate) {
      const given = Object.keys(made).join(", ") || "nothing";
      throw new ContractMismatch(`the component exports ${given}, and not \`${exported}\`: it is of another version, or no plugin`);
    }
    return gate;
  }

  /** What the plugin may ask for. Answers come from memory, and an inventory was checked when it was made. */
  #inventory(): Record<string, (project: string) => unknown> {
    const inventory = () => {
      if (!this.#asked.inventory) throw new Error("a plugin is only shown an inventory while it is called");
      return this.#asked.inventory;
    };
    return {
      generation: () => this.#asked.inventory?.generation ?? 0n,
      getAllowances: (project) => inventory().shown(project).records.allowances,
      getInstanceTypes: (project) => inventory().shown(project).records.instanceTypes,
      getReservations: (project) => inventory().shown(project).records.reservations,
      getSources: (project) => inventory().shown(project).sources,
      getCapacities: () => inventory().anywhere().records.capacities,
      getBlocks: () => inventory().anywhere().records.blocks,
    };
  }

  #module(file: string): WebAssembly.Module {
    let module = this.#modules.get(file);
    if (!module) {
      module = new WebAssembly.Module(readFileSync(new URL(file, this.#folder)));
      this.#modules.set(file, module);
    }
    return module;
  }
}
