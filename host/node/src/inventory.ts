// The host's view of an account: what each source answered, as a plugin is shown it. It never changes; whatever happens
// makes another one.

import { InvalidInventory } from "./errors.js";
import { parse } from "./numbers.js";
import { type Json, type Parts, Shown, nothing } from "./shown.js";
import type { Lifecycle, Offer } from "./types.js";
import { World } from "./world.js";

let generations = 0n;

/** How to read a world. */
export interface ReadOptions {
  /** The projects to read; without it, all that `tenant/projects.json` lists. */
  projects?: readonly string[];
  /** When a world without `recorded.json` was read, in milliseconds since the Unix epoch. */
  nowMs?: number;
}

/** One account at one time. */
export class Inventory {
  /** Unique among the inventories of this process, and rising. */
  readonly generation: bigint = ++generations;
  readonly #projects: ReadonlyMap<string, Shown>;
  readonly #elsewhere: Shown;

  /**
   * Takes what is shown for each project, by id; `elsewhere` is what is shown for any other. Throws `InvalidInventory` where
   * a record of `wit/inventory.wit` lacks a field or holds something of another kind.
   */
  constructor(projects: Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>, elsewhere?: Parts) {
    const entries = projects instanceof Map ? [...projects] : Object.entries(projects);
    this.#projects = new Map(entries.map(([id, shown]) => [id, new Shown(shown as Parts, `projects.${id}`)]));
    this.#elsewhere = new Shown(elsewhere ?? nothing("it was not asked for"), "elsewhere");
  }

  /**
   * Reads a world directory: one account, as files of what the official `nebius` CLI prints. A missing file is a source
   * that could not be read, not an error. Throws `InvalidInventory` where the directory is no world, or a file of it is
   * malformed.
   */
  static fromWorld(directory: string, options: ReadOptions = {}): Inventory {
    return Inventory.#of(World.read(directory), options);
  }

  /** As `fromWorld`, from the text of each file by its path below the world, such as `tenant/allowances.json`. */
  static fromTexts(texts: Readonly<Record<string, string>>, options: ReadOptions = {}): Inventory {
    return Inventory.#of(World.fromTexts(texts), options);
  }

  /** Reads what `toJson` gave, as text or as an object. Throws `InvalidInventory` where it is something else. */
  static fromJson(value: string | Readonly<Json>): Inventory {
    let read: unknown = value;
    if (typeof value === "string") {
      try {
        read = parse(value);
      } catch (error) {
        throw new InvalidInventory(`the inventory is no JSON: ${String(error)}`, { cause: error });
      }
    }
    const projects = typeof read === "object" && read !== null ? (read as Json)["projects"] : undefined;
    if (typeof projects !== "object" || projects === null || Array.isArray(projects)) {
      throw new InvalidInventory("the inventory holds no object `projects`");
    }
    return new Inventory(projects as Json);
  }

  /** What a plugin is shown, by project: the format of `tests/conformance`. Numbers beyond 2^53 are BigInt. */
  toJson(): { projects: Record<string, Parts> } {
    return { projects: Object.fromEntries([...this.#projects].map(([id, shown]) => [id, shown.value])) };
  }

  /** The projects, by id, sorted. */
  projects(): string[] {
    return [...this.#projects.keys()].sort();
  }

  /** The region that a project lives in, where it is known. */
  regionOf(project: string): string | null {
    return this.shownFor(project).instance_types["region"] as string | null;
  }

  /** The projects of one region, by id, sorted. */
  projectsIn(region: string): string[] {
    return this.projects().filter((project) => this.regionOf(project) === region);
  }

  /** Every offer of the account: each type in each region, under each lifecycle that a project may use there. */
  offers(): Offer[] {
    const offers = new Map<string, Offer>();
    for (const project of this.projects()) {
      const { region, items } = this.shownFor(project).instance_types as { region: string | null; items: Json[] };
      if (region === null) continue;
      for (const item of items) {
        const lifecycles: Lifecycle[] = item["preemptible"] ? ["on-demand", "preemptible"] : ["on-demand"];
        for (const lifecycle of lifecycles) {
          const offer = { instance_type: item["name"] as string, region, lifecycle };
          offers.set(`${offer.instance_type}\n${region}\n${lifecycle}`, offer);
        }
      }
    }
    return [...offers.values()];
  }

  /** What a plugin is shown for a project, as JSON values. Not to be changed. */
  shownFor(project: string): Parts {
    return this.shown(project).value;
  }

  /** @internal What the runtime gives a plugin. */
  shown(project: string): Shown {
    return this.#projects.get(project) ?? this.#elsewhere;
  }

  /** @internal What is the same for every project: advice on hardware, and blocks. */
  anywhere(): Shown {
    return this.#projects.values().next().value ?? this.#elsewhere;
  }

  static #of(world: World, options: ReadOptions): Inventory {
    const { projects, elsewhere } = world.shown(options.nowMs ?? Date.now(), options.projects);
    return new Inventory(projects, elsewhere);
  }
}
