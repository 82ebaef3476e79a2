// What a plugin is shown for one project: JSON values, checked against the contract, and the records made of them.
//
// The records of the contract stand here once, as a table (`wit/types.wit`, `wit/inventory.wit`): it checks what comes from
// outside, and turns it into what the component takes, so that no call of a plugin ever fails on an inventory.

import { InvalidInventory } from "./errors.js";

/** A record as JSON, with the names of the contract in snake_case. */
export type Json = { [name: string]: unknown };

/** What is shown for one project, by part. */
export interface Parts {
  allowances: Json;
  instance_types: Json;
  capacities: Json;
  reservations: Json;
  blocks: unknown[];
}

/** Checks a value at a path and gives what the component takes. */
type Kind = (value: unknown, path: string) => unknown;

function wrong(path: string, expected: string, value: unknown): InvalidInventory {
  return new InvalidInventory(`\`${path}\` must be ${expected}, and is ${String(value).slice(0, 60)}`);
}

const text: Kind = (value, path) => {
  if (typeof value !== "string") throw wrong(path, "text", value);
  return value;
};

const truth: Kind = (value, path) => {
  if (typeof value !== "boolean") throw wrong(path, "true or false", value);
  return value;
};

const u32: Kind = (value, path) => {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw wrong(path, "a whole number of 32 bits", value);
  }
  return value;
};

const u64: Kind = (value, path) => {
  const whole = typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
  const number = whole ? BigInt(value) : -1n;
  if (number < 0n || number >= 1n << 64n) throw wrong(path, "a whole number of 64 bits", value);
  return number;
};

function oneOf(...names: string[]): Kind {
  return (value, path) => {
    if (typeof value !== "string" || !names.includes(value)) throw wrong(path, `one of ${names.join(", ")}`, value);
    return value;
  };
}

function option(kind: Kind): Kind {
  return (value, path) => (value === null ? undefined : kind(value, path));
}

function list(kind: Kind): Kind {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, "a list", value);
    return value.map((item, index) => kind(item, `${path}[${index}]`));
  };
}

/** What a field is where it is absent, since inventories did not always have it: a value, or that of another field. */
const absences = new WeakMap<Kind, { value?: unknown; like?: string }>();

function or(kind: Kind, absent: { value?: unknown; like?: string }): Kind {
  const made: Kind = (value, path) => kind(value, path);
  absences.set(made, absent);
  return made;
}

/** The value with the fields in it that may be absent and are. */
function filled(value: object, fields: Record<string, Kind>): Json {
  const whole = { ...value } as Json;
  for (const [name, kind] of Object.entries(fields)) {
    const absent = absences.get(kind);
    if (absent === undefined || Object.hasOwn(whole, name)) continue;
    if (absent.like === undefined) whole[name] = absent.value;
    else if (Object.hasOwn(whole, absent.like)) whole[name] = whole[absent.like];
  }
  return whole;
}

function record(fields: Record<string, Kind>): Kind {
  const names = Object.keys(fields).map((name) => {
    const camel = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    return [name, camel, fields[name] as Kind] as const;
  });
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(path, "an object", value);
    if (!names.every(([name]) => Object.hasOwn(value as object, name))) value = filled(value, fields);
    const given = Object.keys(value as Json);
    const strangers = [
      ...given.filter((name) => !Object.hasOwn(fields, name)),
      ...names.flatMap(([name]) => (Object.hasOwn(value as Json, name) ? [] : [name])),
    ];
    if (strangers.length) {
      throw new InvalidInventory(`\`${path}\` has missing or unknown members: ${strangers.sort().join(", ")}`);
    }
    const made: Json = {};
    for (const [name, camel, kind] of names) made[camel] = kind((value as Json)[name], `${path}.${name}`);
    return made;
  };
}

const usageState = oneOf("used", "not-used", "unknown", "not-applicable", "unspecified");
const source = record({
  state: oneOf("complete", "denied", "unavailable", "incomplete"),
  fetched_at: u64,
  detail: option(text),
});
const allowanceList = record({
  owner: text,
  rows: list(
    record({
      name: text,
      owner: text,
      region: text,
      unit: text,
      state: oneOf("active", "provisioning", "frozen", "deleted", "unknown"),
      limit: option(u64),
      usage: u64,
      usage_state: usageState,
      usage_fraction: or(option(text), { value: null }),
      held: u64,
      held_at_most: or(u64, { like: "held" }),
    }),
  ),
  source,
});
const instanceType = record({
  name: text,
  family: text,
  vcpus: u32,
  memory_bytes: u64,
  gpus: u32,
  gpu_quota: option(text),
  preemptible: truth,
  clusterable: truth,
});
const capacity = record({
  instance_type: text,
  region: text,
  fabric: option(text),
  lane: oneOf("on-demand", "preemptible", "reserved"),
  available: u32,
  level: oneOf("high", "medium", "low", "limit-reached", "unknown"),
  freshness: oneOf("fresh", "stale", "unknown"),
  observed_at: option(u64),
});
const reservation = record({
  id: text,
  family: text,
  region: text,
  fabric: option(text),
  active: truth,
  limit: u64,
  usage: u64,
  usage_state: usageState,
  usage_fraction: or(option(text), { value: null }),
  project_limit: option(u64),
  project_usage: u64,
  project_usage_state: usageState,
  project_usage_fraction: or(option(text), { value: null }),
  held: u64,
  held_at_most: or(u64, { like: "held" }),
  project_held: or(u64, { value: 0 }),
  project_held_at_most: or(u64, { like: "project_held" }),
  next_change: option(record({ at: u64, limit: option(u64) })),
});
const block = record({
  kind: oneOf("quota", "capacity", "unclear"),
  region: text,
  quota: option(text),
  project: option(text),
  at_least: u64,
  instance_type: option(text),
  lifecycle: option(oneOf("on-demand", "preemptible")),
  fabric: option(text),
  cause: text,
  until: u64,
});
const parts = record({
  allowances: record({ tenant: allowanceList, project: allowanceList }),
  instance_types: record({
    region: option(text),
    project_state: or(option(text), { value: null }),
    items: list(instanceType),
    source,
  }),
  capacities: record({ items: list(capacity), source }),
  reservations: record({ items: list(reservation), source }),
  blocks: list(block),
});

interface Sourced {
  source: unknown;
}

/** The parts as the component takes them. */
export interface Records {
  allowances: { tenant: Sourced; project: Sourced };
  instanceTypes: Sourced;
  capacities: Sourced;
  reservations: Sourced;
  blocks: unknown[];
}

/** What is shown for one project: JSON values, which must not be changed, and how they look to a component. */
export class Shown {
  readonly records: Records;
  /** How far each source was read, and when. */
  readonly sources: Json;

  /** Throws `InvalidInventory` where the value is not of the contract. */
  constructor(
    readonly value: Parts,
    path: string,
  ) {
    this.records = parts(value, path) as Records;
    this.sources = {
      tenantAllowances: this.records.allowances.tenant.source,
      projectAllowances: this.records.allowances.project.source,
      instanceTypes: this.records.instanceTypes.source,
      capacities: this.records.capacities.source,
      reservations: this.records.reservations.source,
    };
  }
}

/** What is shown of a project that nothing is known of. */
export function nothing(why: string): Parts {
  const unread = { state: "unavailable", fetched_at: 0, detail: why };
  const rows = { owner: "", rows: [], source: unread };
  const items = { items: [], source: unread };
  return {
    allowances: { tenant: rows, project: rows },
    instance_types: { region: null, project_state: null, ...items },
    capacities: items,
    reservations: items,
    blocks: [],
  };
}
