// From the cloud's messages to the words of the contract, for Nebius; one function per kind of message.
//
// These are the rules of `host/nebius/src/convert` in the Rust host, and the conformance suite holds them against each
// other. Nothing is concluded here: an absent limit stays absent, and a state that is not known is `unknown`.

import type { Message } from "./message.js";
import type { Whole } from "./numbers.js";
import type { Json } from "./shown.js";

const GIBIBYTE = 1n << 30n;
const PROJECT_STATES = [
  "STATE_UNSPECIFIED",
  "CREATING",
  "ACTIVE",
  "PURGING",
  "CREATED",
  "ACTIVATING",
  "PARKING",
  "PARKED",
] as const;
const ROW_STATES = { provisioning: 1, active: 2, frozen: 3, deleted: 10 };
const USAGE_STATES = { used: 1, "not-used": 2, unknown: 3, "not-applicable": 4 };
const BLOCK_USAGE_STATES = { used: 1, "not-used": 2, unknown: 3 };
const LEVELS = { high: 1, medium: 2, low: 3, "limit-reached": 4 };
const DATA_STATES = { fresh: 1, stale: 2 };
const LANES = [
  ["on-demand", "on_demand"],
  ["preemptible", "preemptible"],
  ["reserved", "reserved"],
] as const;
const FABRIC_IN_PLACE_OF_REGION = /^(.*-.*[0-9])-[a-z]$/s;

/** A message that makes no sense: the list that lacks it is not complete. */
export class Malformed {
  constructor(readonly why: string) {}
}

/**
 * A project: it lives in one region and holds the instances. Its state is the cloud's own word, null where the cloud does not
 * say.
 */
export function project(item: Message): [Json | Malformed] {
  const metadata = item.message("metadata");
  if (!metadata.text("id")) return [new Malformed("a project has no name")];
  const state = item.has("status") ? item.message("status").word("project_state", "PROJECT_STATE_", PROJECT_STATES) : null;
  return [{ id: metadata.text("id"), region: item.message("spec").text("region"), state }];
}

/** A quota row as the cloud says it. */
export function allowance(row: Message): [Json] {
  const metadata = row.message("metadata");
  const spec = row.message("spec");
  const status = row.message("status");
  return [
    {
      name: metadata.text("name"),
      owner: metadata.text("parent_id"),
      region: spec.text("region"),
      unit: status.text("unit"),
      state: status.case("state", "STATE_", ROW_STATES, "unknown"),
      limit: spec.optionalUnsigned("limit"),
      usage: status.unsigned("usage"),
      usage_state: status.case("usage_state", "USAGE_STATE_", USAGE_STATES, "unspecified"),
      usage_fraction: status.filled("usage_percentage"),
      held: 0,
      held_at_most: 0,
    },
  ];
}

/** The instance types of a platform, one per preset; presets that cannot be judged as the reason why. */
export function instanceTypes(platform: Message): (Json | Malformed)[] {
  return platform.message("spec").messages("presets").map((preset) => instanceType(platform, preset));
}

function instanceType(platform: Message, preset: Message): Json | Malformed {
  const family = platform.message("metadata").text("name");
  const name = preset.text("name");
  if (!family) return new Malformed("a platform has no name");
  if (!name) return new Malformed("a preset has no name");
  const resources = preset.message("resources");
  // An instance without processors or memory would draw on no quota at all, and so always fit.
  const amounts = [
    [1, resources.signed("vcpu_count"), "vCPUs"],
    [1, resources.signed("memory_gibibytes"), "GiB of memory"],
    [0, resources.signed("gpu_count"), "GPUs"],
  ] as const;
  for (const [least, amount, what] of amounts) {
    if (amount < least) return new Malformed(`preset \`${name}\` of platform \`${family}\` has ${amount} ${what}`);
  }
  const [[, vcpus], [, gibibytes], [, gpus]] = amounts;
  return {
    name: `${family} ${name}`,
    family,
    vcpus,
    memory_bytes: Number(BigInt(gibibytes) * GIBIBYTE),
    gpus,
    gpu_quota: platform.message("spec").filled("gpu_count_quota_type"),
    preemptible: platform.message("status").truth("allowed_for_preemptibles") && gpus > 0,
    clusterable: preset.truth("allow_gpu_clustering"),
  };
}

/**
 * What the cloud says about free hardware, one row per kind of launch that it speaks of. Advice that names no instance type
 * is passed over: no advice is no evidence, in either direction.
 */
export function capacities(advice: Message): Json[] {
  const spec = advice.message("spec");
  const status = advice.message("status");
  const instance = spec.message("compute_instance");
  const platform = instance.text("platform");
  const preset = instance.message("preset").text("name");
  if (!platform || !preset) return [];
  const [region, fabric] = place(spec.text("region"), spec.filled("fabric"));
  return LANES.filter(([, member]) => status.has(member)).map(([lane, member]) => {
    const said = status.message(member);
    return {
      instance_type: `${platform} ${preset}`,
      region,
      fabric,
      lane,
      available: said.unsigned("available", 32n),
      level: said.case("availability_level", "AVAILABILITY_LEVEL_", LEVELS, "unknown"),
      freshness: said.case("data_state", "DATA_STATE_", DATA_STATES, "unknown"),
      observed_at: said.instantMs("effective_at"),
    };
  });
}

/** A region with the shape of a fabric, `<region>-<letter>`, is a fabric of that region. */
function place(region: string, fabric: string | null): [string, string | null] {
  const found = FABRIC_IN_PLACE_OF_REGION.exec(region);
  return found ? [found[1] ?? "", fabric ?? region] : [region, fabric];
}

/** A block of reserved capacity; none for other services. The project's share is left at "not limited". */
export function reservation(block: Message): (Json | Malformed)[] {
  const status = block.message("status");
  const service = status.text("service");
  if (service !== "compute" && (service || !status.has("resource_affinity"))) return [];
  const id = block.message("metadata").text("id");
  if (!id) return [new Malformed("a capacity block group has no name")];
  const affinity = status.message("resource_affinity").message("compute_v1");
  if (!affinity.text("platform")) {
    return [new Malformed(`capacity block group \`${id}\` does not say which platform it holds`)];
  }
  const at = status.instantMs("next_change_at");
  return [
    {
      id,
      family: affinity.text("platform"),
      region: status.text("region"),
      fabric: affinity.filled("fabric"),
      active: status.case("state", "STATE_", { active: 2 }, "") === "active",
      limit: status.unsigned("current_limit"),
      usage: status.unsigned("usage"),
      usage_state: status.case("usage_state", "USAGE_STATE_", BLOCK_USAGE_STATES, "unspecified"),
      usage_fraction: status.filled("usage_percentage"),
      project_limit: null as Whole | null,
      project_usage: 0 as Whole,
      project_usage_state: "unspecified",
      project_usage_fraction: null as string | null,
      held: 0,
      held_at_most: 0,
      project_held: 0,
      project_held_at_most: 0,
      next_change: at === null ? null : { at, limit: status.optionalUnsigned("next_change_to") },
    },
  ];
}

/** What a project may take of a block; an absent limit is documented as unlimited. */
export function reservationShare(row: Message): [Json | Malformed] {
  const spec = row.message("spec");
  const status = row.message("status");
  if (!spec.text("capacity_block_group_id")) return [new Malformed("a capacity allowance has no name")];
  return [
    {
      reservation: spec.text("capacity_block_group_id"),
      project_limit: spec.optionalUnsigned("limit"),
      project_usage: status.unsigned("usage"),
      project_usage_state: status.case("usage_state", "USAGE_STATE_", BLOCK_USAGE_STATES, "unspecified"),
      project_usage_fraction: status.filled("usage_percentage"),
    },
  ];
}
