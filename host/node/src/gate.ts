// The facade: a plugin and an inventory, put together.

import { AmbiguousProject, InvalidLaunch, PluginFailed, TooLarge } from "./errors.js";
import { Inventory } from "./inventory.js";
import { parse, stringify } from "./numbers.js";
import { Plugin } from "./plugin.js";
import type { Admission, Diagnosis, Finding, Launch, Offer, Policy, Profile, Verdict } from "./types.js";

/** The most different offers that one list may hold. */
export const MAXIMUM_OFFERS = 1_000_000;
/** Offers that a plugin is asked about at once: a judgement takes far more room than an offer. */
const BATCH = 10_000;

/** Where a gate takes its inventory from: asked in every call, so it answers from memory. */
export type InventorySource = () => Inventory;

/** How to make a gate. */
export interface GateOptions {
  /** The plugin; the one for Nebius where there is none. */
  plugin?: Plugin;
  /** Milliseconds since the Unix epoch. */
  clock?: () => number;
}

/** How to judge a list. */
export interface FilterOptions {
  /** Instances of each offer. */
  count?: number;
  profile?: Profile;
  policy?: Policy;
}

/** One offer, judged. */
export interface JudgedOffer<Given extends Offer = Offer> {
  /** The offer as it was given. */
  offer: Given;
  /** Its place in the list that was asked about. */
  index: number;
  /** The project it was judged in; empty where the account has none in the offer's region. */
  project: string;
  /** The judgement; equal offers share it. */
  verdict: Verdict;
}

/** Judges what an account can launch. */
export class Gate {
  readonly #source: InventorySource;
  /** The plugin in force. */
  readonly plugin: Plugin;
  readonly #clock: () => number;

  /** Puts an inventory, or where to take one from, and a plugin together. */
  constructor(inventory: Inventory | InventorySource, options: GateOptions = {}) {
    this.#source = inventory instanceof Inventory ? () => inventory : inventory;
    this.plugin = options.plugin ?? Plugin.nebius();
    this.#clock = options.clock ?? Date.now;
  }

  /** The account as it is known now. */
  inventory(): Inventory {
    return this.#source();
  }

  /**
   * Judges each offer alone: could `count` instances of it be launched now, each with `profile`?
   *
   * Where the profile names a project, every offer is judged in it, otherwise in each project of the offer's region. Gives an
   * item per offer and project, in the order of the offers; `verdict.visible` says whether the policy shows it. Offers may
   * have members of their own, such as a price. A plugin that breaks makes verdicts unknown.
   *
   * Throws `InvalidLaunch` where the question or an offer makes no sense, `TooLarge` beyond `MAXIMUM_OFFERS`.
   */
  filter<Given extends Offer>(offers: Iterable<Given>, options: FilterOptions = {}): JudgedOffer<Given>[] {
    const { count = 1, profile = {}, policy = {} } = options;
    const inventory = this.inventory();
    const given = [...offers];
    const places = new Map<string, Map<string, { offer: Offer; indices: number[] }>>();
    const projectsIn = new Map<string, string[]>();
    given.forEach((item, index) => {
      const offer = contractOffer(item, index);
      let projects = projectsIn.get(offer.region);
      if (!projects) {
        // Judged all the same where there is none: the plugin says that nothing is offered there.
        const here = inventory.projectsIn(offer.region);
        projects = profile.project ? [profile.project] : here.length ? here : [""];
        projectsIn.set(offer.region, projects);
      }
      const key = `${offer.instance_type}\n${offer.region}\n${offer.lifecycle}`;
      for (const project of projects) {
        let place = places.get(project);
        if (!place) places.set(project, (place = new Map()));
        const same = place.get(key);
        if (same) same.indices.push(index);
        else place.set(key, { offer, indices: [index] });
      }
    });
    const judged: JudgedOffer<Given>[] = [];
    for (const [project, place] of places) {
      if (place.size > MAXIMUM_OFFERS) {
        throw new TooLarge(`a list may hold ${MAXIMUM_OFFERS} different offers, this one holds ${place.size}`);
      }
      const distinct = [...place.values()];
      const asked = distinct.map(({ offer }) => offer);
      const verdicts = this.#assess(inventory, asked, count, { ...profile, project }, policy);
      distinct.forEach(({ indices }, which) => {
        for (const index of indices) {
          judged.push({ offer: given[index] as Given, index, project, verdict: verdicts[which] as Verdict });
        }
      });
    }
    return judged.sort((one, other) => one.index - other.index || (one.project < other.project ? -1 : 1));
  }

  /**
   * Judges one launch by what is known now. A profile without a project means the one project of its region. Throws
   * `InvalidLaunch` where it makes no sense, `AmbiguousProject` where its region has several projects and it names none.
   */
  check(launch: Launch, policy: Policy = {}): { launch: Launch; verdict: Verdict } {
    const inventory = this.inventory();
    const located = withProject(inventory, launch);
    const [verdict] = this.#assess(inventory, [contractOffer(located.offer, 0)], located.count, located.profile, policy);
    return { launch: located, verdict: verdict as Verdict };
  }

  /** Judges launches together, in their order: they draw on the same rows. Throws as `check` does. */
  admit(plan: readonly Launch[], policy: Policy = {}): { plan: Launch[]; admission: Admission } {
    const inventory = this.inventory();
    const launches = plan.map((launch) => withProject(inventory, launch));
    try {
      const request = write({ plan: launches, policy });
      const answer = read(this.plugin.call("admitJson", request, inventory, this.#clock()));
      return { plan: launches, admission: answer as Admission };
    } catch (error) {
      if (!(error instanceof PluginFailed)) throw error;
      const [first] = launches;
      const verdict = unknown(first?.offer.region ?? "", first?.count ?? 0, policy, error);
      const breaks_at = { index: 0, fits_count: null };
      return { plan: launches, admission: { verdict, demands: [], reserved: [], breaks_at } };
    }
  }

  /**
   * Says what a launch error means: JSON as the cloud's own tools print it (an operation, a status or a bare error), as text
   * or as an object. Throws `InvalidJson` where it is none.
   */
  diagnose(error: string | object): Diagnosis {
    return read(this.diagnoseJson(typeof error === "string" ? error : write(error))) as Diagnosis;
  }

  /** The plugin's own `assess-json` (`wit/gate.wit`): text in, text out. */
  assessJson(request: string): string {
    return this.plugin.call("assessJson", request, this.inventory(), this.#clock());
  }

  /** The plugin's own `admit-json`. */
  admitJson(request: string): string {
    return this.plugin.call("admitJson", request, this.inventory(), this.#clock());
  }

  /** The plugin's own `diagnose-json`. */
  diagnoseJson(error: string): string {
    return this.plugin.call("diagnoseJson", error, NOWHERE, this.#clock());
  }

  /** A verdict for each offer, in their order. Offers are judged alone, so it does not matter in which batch. */
  #assess(inventory: Inventory, offers: Offer[], count: number, profile: Profile, policy: Policy): Verdict[] {
    const verdicts: Verdict[] = [];
    for (let start = 0; start < offers.length; start += BATCH) {
      const batch = this.#assessBatch(inventory, offers.slice(start, start + BATCH), count, profile, policy);
      for (const verdict of batch) verdicts.push(verdict);
    }
    return verdicts;
  }

  #assessBatch(inventory: Inventory, offers: Offer[], count: number, profile: Profile, policy: Policy): Verdict[] {
    try {
      const request = write({ offers, count, profile, policy });
      const answer = read(this.plugin.call("assessJson", request, inventory, this.#clock()));
      const verdicts = (answer as { verdicts?: Verdict[] }).verdicts;
      if (!Array.isArray(verdicts) || verdicts.length !== offers.length) {
        throw new PluginFailed(`the plugin was asked about ${offers.length} offers and did not answer for each`);
      }
      return verdicts;
    } catch (error) {
      if (!(error instanceof PluginFailed)) throw error;
      return offers.map((offer) => unknown(offer.region, count, policy, error));
    }
  }
}

const NOWHERE = new Inventory({});

/** What the contract has of an offer; prices and the like are the caller's own. */
function contractOffer(offer: unknown, index: number): Offer {
  const members = (typeof offer === "object" && offer !== null ? offer : {}) as Record<string, unknown>;
  const [instance_type, region, lifecycle] = ["instance_type", "region", "lifecycle"].map((name) => {
    const value = members[name];
    if (typeof value !== "string") throw new InvalidLaunch(`offer ${index} has no text \`${name}\`: it is ${String(value)}`);
    return value;
  });
  return { instance_type, region, lifecycle } as Offer;
}

/** The launch in its project: the one it names, else the one project of its region; empty where there is none. */
function withProject(inventory: Inventory, launch: Launch): Launch {
  if (launch.profile.project) return launch;
  const here = inventory.projectsIn(launch.offer.region);
  if (here.length > 1) {
    throw new AmbiguousProject(
      `${launch.offer.region} has several projects, so the launch must name one: ${here.join(", ")}`,
    );
  }
  return { ...launch, profile: { ...launch.profile, project: here[0] ?? "" } };
}

/** What is said of an offer that the plugin failed to judge: nothing is known of it. */
function unknown(region: string, count: number, policy: Policy, error: Error): Verdict {
  const finding: Finding = {
    reason: "not-checked",
    outcome: "unknown",
    quota: null,
    scope: null,
    owner: null,
    region,
    unit: "instance",
    required: count,
    limit: null,
    usage: null,
    held: 0,
    headroom: null,
    shortfall: null,
    minimum_limit: null,
    detail: `not judged: ${error.message}`,
    remedy: null,
    rule: null,
  };
  return {
    quota: "unknown",
    capacity: "unknown",
    availability: "unknown",
    fits_count: null,
    visible: policy.strictness !== "strict",
    findings: [finding],
  };
}

function write(request: unknown): string {
  try {
    return stringify(request);
  } catch (error) {
    throw new InvalidLaunch(`the request cannot be written as JSON: ${String(error)}`, { cause: error });
  }
}

function read(answer: string): unknown {
  try {
    return parse(answer);
  } catch (error) {
    throw new PluginFailed(`the plugin's answer is no JSON: ${String(error)}`, { cause: error });
  }
}
