// A plugin for the imaginary cloud Nimbus, in JavaScript: it has one quota, `pods`, of which an instance of the type
// `pod-N` takes N. It proves that nothing in the contract is of Nebius or of Rust.

import { getAllowances } from "quotagate:plugin/inventory@0.1.0";

const QUOTA = "pods";
const LARGEST = 2n ** 64n - 1n;

function refuse(message) {
  throw { code: "invalid-launch", message };
}

/** What `count` instances of a type take. */
function demand(instanceType, count) {
  const found = /^pod-([1-9]\d{0,5})$/.exec(instanceType);
  if (!found) return undefined;
  if (count < 1) refuse("a launch of no instances");
  return BigInt(found[1]) * BigInt(count);
}

/** The verdict on `required` pods, of which one launch takes `each`. */
function judge(project, region, required, each, policy) {
  const { tenant } = getAllowances(project);
  const row = tenant.rows.find((known) => known.name === QUOTA && known.region === region && known.owner === tenant.owner);
  const finding = { outcome: "unknown", quota: QUOTA, scope: "tenant", region, unit: "count", required, held: row?.held ?? 0n, command: [] };
  if (tenant.source.state === "denied" || tenant.source.state === "unavailable") finding.reason = "scope-unreadable";
  else if (row === undefined) finding.reason = "row-missing";
  else if (row.limit === undefined) finding.reason = "limit-unset";
  else {
    const free = (held) => (row.limit > row.usage + held ? row.limit - row.usage - held : 0n);
    // What is promised for certain proves a shortage; beside what may be promised there must be room too.
    const [headroom, least] = [free(row.held), free(row.heldAtMost)];
    Object.assign(finding, { owner: row.owner, limit: row.limit, usage: row.usage, headroom });
    finding.outcome = required > headroom ? "blocked" : required > least ? "unknown" : "fits";
    finding.reason = { blocked: "shortage", unknown: "may-be-held", fits: "fits" }[finding.outcome];
    if (required > row.limit) finding.reason = "exceeds-limit";
    if (finding.outcome !== "fits") {
      if (required > headroom) finding.shortfall = required - headroom;
      finding.minimumLimit = row.usage + row.heldAtMost + required;
      finding.remedy = `ask Nimbus for ${finding.minimumLimit} ${QUOTA} in ${region}`;
    }
    return verdict(finding, headroom === least ? Number(headroom / each) : undefined, policy);
  }
  return verdict(finding, undefined, policy);
}

function verdict(finding, fitsCount, policy) {
  const availability = { fits: "available", blocked: "no-quota", unknown: "unknown" }[finding.outcome];
  const visible =
    policy.strictness === "advisory" ||
    (policy.strictness === "balanced" ? availability !== "no-quota" : availability === "available");
  return { quota: finding.outcome, capacity: "unknown", availability, fitsCount, visible, findings: [finding] };
}

function notOffered(offer, count, policy) {
  const finding = { reason: "not-offered", outcome: "unknown", region: offer.region, unit: "instance", held: 0n, command: [] };
  return verdict({ ...finding, required: BigInt(count) }, undefined, policy);
}

function diagnosis(failure) {
  const isQuota = failure.code === 8;
  return { kind: isQuota ? "quota" : "ambiguous", findings: [], retry: false };
}

/** JSON as the twins have it: names in snake_case, whole numbers, null for what is not there. */
function toJson(record) {
  const options = ["quota", "scope", "owner", "limit", "usage", "headroom", "shortfall", "minimumLimit", "detail", "remedy", "rule"];
  const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const whole = { ...record, findings: record.findings?.map((finding) => ({ ...Object.fromEntries(options.map((name) => [name, null])), ...finding })) };
  return JSON.stringify(whole, (_, value) => {
    if (typeof value === "bigint") return Number(value);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value === "no-quota" ? "no_quota" : value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [snake(name), member ?? null]));
  });
}

function fromJson(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw { code: "invalid-json", message: String(error) };
  }
}

const POLICY = { strictness: "balanced", explain: false };

export const gate = {
  describe: () => ({ cloud: "nimbus", version: "0.1.0", needs: { allowances: true } }),

  assess(offers, count, profile, policy) {
    return offers.map((offer) => {
      const required = demand(offer.instanceType, count);
      if (required === undefined) return notOffered(offer, count, policy);
      return judge(profile.project, offer.region, required, required / BigInt(count), policy);
    });
  },

  assessJson(text) {
    const { offers, count = 1, profile = {}, policy = {} } = fromJson(text);
    const asked = offers.map((offer) => ({ ...offer, instanceType: offer.instance_type }));
    const verdicts = gate.assess(asked, count, { project: "", ...profile }, { ...POLICY, ...policy });
    return `{"verdicts":[${verdicts.map(toJson).join(",")}]}`;
  },

  admit(plan, policy) {
    let taken = 0n;
    let breaksAt;
    let whole;
    for (const [index, { offer, count, profile }] of plan.entries()) {
      const required = demand(offer.instanceType, count);
      if (required === undefined) refuse(`launch ${index + 1} of the plan: Nimbus has no type ${offer.instanceType}`);
      taken += required;
      whole = judge(profile.project, offer.region, taken, required, policy);
      if (whole.quota !== "fits") breaksAt ??= { index, fitsCount: undefined };
    }
    if (whole === undefined) refuse("a plan of no launches");
    const [{ offer, profile }] = plan;
    const amount = taken > LARGEST ? LARGEST : taken;
    const demands = [{ quota: QUOTA, project: profile.project, region: offer.region, atLeast: amount, atMost: amount }];
    return { verdict: { ...whole, fitsCount: breaksAt ? breaksAt.index : plan.length }, demands, reserved: [], breaksAt };
  },

  admitJson(text) {
    const { plan, policy = {} } = fromJson(text);
    const asked = plan.map((launch) => ({ ...launch, offer: { ...launch.offer, instanceType: launch.offer.instance_type } }));
    return toJson(gate.admit(asked, { ...POLICY, ...policy }));
  },

  diagnose: diagnosis,
  diagnoseJson: (text) => toJson(diagnosis(fromJson(text))),
};
