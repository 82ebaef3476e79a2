// The words of the contract (`wit/types.wit`). Fields are named as in its JSON; amounts are whole numbers in the unit of the
// quota they belong to, instants are milliseconds since the Unix epoch.

import type { Whole } from "./numbers.js";

/** How long the cloud promises to keep an instance. */
export type Lifecycle = "on-demand" | "preemptible";
/** Whether the quotas let a launch through; a later case beats an earlier one. */
export type QuotaOutcome = "fits" | "unknown" | "blocked";
/** Whether hardware is likely to be free; never a statement about quota. */
export type CapacityOutcome = "likely" | "unlikely" | "unknown";
/** Both outcomes in one word, for lists. */
export type Availability = "available" | "no_quota" | "no_capacity" | "unknown";
/** Which offers a list shows: all, all but the provably blocked, or the available ones. */
export type Strictness = "advisory" | "balanced" | "strict";

/** Disks, or shared file systems, that a launch creates. Existing ones are already counted: leave them out. */
export interface Disk {
  /** The cloud's name of the kind, such as `network-ssd`. */
  kind: string;
  /** The size of each. */
  bytes: Whole;
  count: number;
}

/** What every instance of a launch brings with it besides its type. Members left out take from nothing. */
export interface Profile {
  /** The project to launch in, by id; left out or empty for the one project of the offer's region. */
  project?: string;
  /** Whether the launch may, must not, or must draw on reserved capacity. */
  reservation?: "auto" | "forbid" | "strict";
  /** Created with each instance. */
  disks?: readonly Disk[];
  /** Created once for the whole launch. */
  filesystems?: readonly Disk[];
  private_addresses?: number;
  /** Public addresses of each instance that are released when it stops. */
  dynamic_public_addresses?: number;
  /** Public addresses of each instance that it keeps while stopped. */
  static_public_addresses?: number;
  /** True for starting stopped instances, which hold their disks and static addresses already. */
  restart?: boolean;
  /** True where the launch creates a cluster, whose instances share one fabric. */
  new_cluster?: boolean;
  /** True where the instances are nodes of the cloud's managed Kubernetes. */
  node_group?: boolean;
  /** The fabric that the instances must be placed on. */
  fabric?: string | null;
}

/** An instance type in a region under a lifecycle, as an orchestrator lists it. */
export interface Offer {
  instance_type: string;
  region: string;
  lifecycle: Lifecycle;
}

/** Identical instances of one offer, asked for together. */
export interface Launch {
  offer: Offer;
  count: number;
  profile: Profile;
}

/** How to judge. */
export interface Policy {
  strictness?: Strictness;
  /** Whether verdicts carry every finding, also those that decided nothing. */
  explain?: boolean;
  /** Sources fetched longer ago count as unreadable; null for no bound. */
  max_age_ms?: number | null;
}

/** One quota's part in a verdict. Numbers are null where they are not known or mean nothing. */
export interface Finding {
  /** Why it says what it says: a case of `reason` in `wit/types.wit`. Stable. */
  reason: string;
  /** What this finding alone would make of the launch. */
  outcome: QuotaOutcome;
  /** Null where the finding is about capacity or about the offer itself. */
  quota: string | null;
  scope: "tenant" | "project" | null;
  /** The tenant or project whose row it is. */
  owner: string | null;
  region: string;
  unit: string;
  /** What the launch takes, all instances together; null where it is not known. */
  required: Whole | null;
  limit: Whole | null;
  usage: Whole | null;
  held: Whole;
  /** limit - usage - held, never below zero. */
  headroom: Whole | null;
  /** required - headroom, where that is above zero. */
  shortfall: Whole | null;
  /** The smallest limit of this row under which the launch would fit as things stand. */
  minimum_limit: Whole | null;
  /** What was found, in words, where the numbers do not say it. */
  detail: string | null;
  /** What to do about it, and where. */
  remedy: string | null;
  /** The command that does it, word by word; absent where there is none. Quote it before a shell sees it. */
  command?: string[];
  /** Under `explain`: the rule that was applied, and where it is written. */
  rule: string | null;
}

/** The judgement of one offer or launch. */
export interface Verdict {
  quota: QuotaOutcome;
  capacity: CapacityOutcome;
  availability: Availability;
  /** How many such instances fit the quotas now; null where that is not known or nothing bounds it. */
  fits_count: number | null;
  /** Whether the policy in force shows the offer. */
  visible: boolean;
  /** What decided: every finding that is not `fits`, or the row with the least room where all fit. */
  findings: Finding[];
}

/** The judgement of launches that draw on the same rows. */
export interface Admission {
  /** The plan as a whole; its `fits_count` counts launches, from the first. */
  verdict: Verdict;
  /** What the plan takes, summed by quota, project and region: for certain, and at most. */
  demands: { quota: string; project: string; region: string; at_least: Whole; at_most: Whole }[];
  /** What it takes of reservations, in GPUs, summed by reservation and project. */
  reserved: { reservation: string; project: string; at_least: Whole; at_most: Whole }[];
  /** The first launch that a quota provably blocks; where none is, the first that is unknown. */
  breaks_at: { index: number; fits_count: number | null } | null;
}

/** What a launch error means. */
export interface Diagnosis {
  kind: "quota" | "capacity" | "rate-limit" | "access" | "invalid" | "transient" | "ambiguous";
  findings: Finding[];
  /** Whether the same launch can succeed if tried again unchanged. */
  retry: boolean;
  remedy: string | null;
}
