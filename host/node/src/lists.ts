// What each source of an account answered, and what a plugin is shown of it for a project.
//
// The shape is that of the Rust host's `inventory/lists.rs`, and the conformance suite holds the two against each other.

import type { Json, Parts } from "./shown.js";

/** What one source answered, in the words of the contract, and how far it can be trusted. */
export interface Listed {
  items: readonly Json[];
  state: "complete" | "denied" | "unavailable" | "incomplete";
  fetchedAt: number;
  detail: string | null;
}

/** The sources of one project. */
export interface ProjectLists {
  region: string | null;
  /** The project's state, in the cloud's own word; null where the cloud does not say. */
  state: string | null;
  allowances: Listed;
  instanceTypes: Listed;
  reservationShares: Listed;
}

/** The sources of an account. */
export interface AccountLists {
  /** Its id; empty where it is not known. */
  tenant: string;
  /** The projects. */
  account: Listed;
  allowances: Listed;
  capacities: Listed;
  reservations: Listed;
  projects: ReadonlyMap<string, ProjectLists>;
}

/** A source without an answer. */
export function unanswered(state: "denied" | "unavailable", fetchedAt: number, detail: string): Listed {
  return { items: [], state, fetchedAt, detail };
}

const NOT_ASKED_FOR = unanswered("unavailable", 0, "it was not asked for");

/** What a plugin is shown for a project. */
export function shownFor(account: AccountLists, project: string, lists: ProjectLists): Parts {
  const isKnown = (list: Listed) => list.state === "complete" || list.state === "incomplete";
  const rows = (owner: string, list: Listed) => ({
    owner: isKnown(list) ? owner : "",
    rows: list.items,
    source: source(list),
  });
  return {
    allowances: { tenant: rows(account.tenant, account.allowances), project: rows(project, lists.allowances) },
    instance_types: {
      region: lists.region,
      project_state: lists.state,
      items: lists.instanceTypes.items,
      source: source(lists.instanceTypes),
    },
    capacities: { items: account.capacities.items, source: source(account.capacities) },
    reservations: reservations(account.reservations, lists.reservationShares),
    blocks: [],
  };
}

/** What is shown for a project that was not read: nothing is offered there, if the list of projects is to be believed. */
export function shownElsewhere(account: AccountLists): Parts {
  return shownFor(account, "", {
    region: null,
    state: null,
    allowances: NOT_ASKED_FOR,
    instanceTypes: { ...account.account, items: [] },
    reservationShares: NOT_ASKED_FOR,
  });
}

function source(list: Listed): Json {
  return { state: list.state, fetched_at: list.fetchedAt, detail: list.detail };
}

/** The tenant's reservations with the project's shares. Where these could not be read, the answer could not. */
function reservations(list: Listed, shares: Listed): Json {
  const items = list.items.map((item) => {
    const found = shares.items.find((share) => share["reservation"] === item["id"]);
    if (!found) return item;
    const { reservation: _, ...share } = found;
    return { ...item, ...share };
  });
  const told = items.length === 0 || shares.state === "complete" ? list : shares;
  return { items, source: source(told) };
}
