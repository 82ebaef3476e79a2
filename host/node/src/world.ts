// A world: one account in a directory, each file what the official `nebius` CLI prints for it.
//
//     WORLD/
//       tenant/tenant.json  projects.json  allowances.json
//              resource-advice.json  capacity-block-groups.json     (optional)
//       projects/<project-id>/allowances.json  platforms.json
//              capacity-allowances.json                             (optional)
//       recorded.json   {"recorded_at": RFC 3339}                   (optional)
//
// A missing file is a source that could not be read, a missing optional file an empty list, and a file
// `{"error": {"code": "PERMISSION_DENIED", "message": "..."}}` a source that answered so. A list that still carries a
// `next_page_token` is the first part of a longer one.

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";

import { InvalidInventory } from "./errors.js";
import { type AccountLists, type Listed, type ProjectLists, shownElsewhere, shownFor, unanswered } from "./lists.js";
import { Message, instantMs } from "./message.js";
import { parse } from "./numbers.js";
import * as rows from "./rows.js";
import { Malformed } from "./rows.js";
import type { Json, Parts } from "./shown.js";

const OPTIONAL = /(resource-advice|capacity-block-groups|capacity-allowances)\.json$/;
const LONGEST_TEXT = 1_000;

type Reader = (message: Message) => Iterable<Json | Malformed>;

function isFolder(folder: string): boolean {
  return existsSync(folder) && statSync(folder).isDirectory();
}

/** Without characters that would move a terminal's cursor, and not endless. */
function printable(text: string): string {
  return [...text.trim()]
    .slice(0, LONGEST_TEXT)
    .join("")
    .replace(/\p{Cc}/gu, " ");
}

function parsed(text: string, name: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new InvalidInventory(`\`${name}\` is malformed: ${String(error)}`, { cause: error });
  }
}

/** The files of one account. */
export class World {
  /** What each file holds, by path below the world; a path that ends in `/` is a project's folder. */
  readonly #files: ReadonlyMap<string, unknown>;
  readonly #root: string | undefined;

  private constructor(files: ReadonlyMap<string, unknown>, root?: string) {
    this.#files = files;
    this.#root = root;
  }

  /** Reads a world directory; throws `InvalidInventory` where it is none, or a file of it is no JSON. */
  static read(directory: string): World {
    if (!isFolder(path.join(directory, "tenant")) && !isFolder(path.join(directory, "projects"))) {
      throw new InvalidInventory(`no world at \`${directory}\`: a world has the folders \`tenant\` and \`projects\``);
    }
    const files = new Map<string, unknown>();
    const readFile = (name: string) => {
      const file = path.join(directory, name);
      if (existsSync(file)) files.set(name, parsed(readFileSync(file, "utf8"), file));
    };
    const readFolder = (name: string) => {
      if (!isFolder(path.join(directory, name))) return;
      for (const file of readdirSync(path.join(directory, name)).sort()) {
        if (file.endsWith(".json")) readFile(`${name}/${file}`);
      }
    };
    try {
      readFile("recorded.json");
      readFolder("tenant");
      const projects = path.join(directory, "projects");
      for (const id of isFolder(projects) ? readdirSync(projects).sort() : []) {
        if (!isFolder(path.join(projects, id))) continue;
        files.set(`projects/${id}/`, null);
        readFolder(`projects/${id}`);
      }
    } catch (error) {
      if (error instanceof InvalidInventory) throw error;
      throw new InvalidInventory(`cannot read \`${directory}\`: ${String(error)}`, { cause: error });
    }
    return new World(files, directory);
  }

  /** Takes the text of each file by its path below the world. */
  static fromTexts(texts: Readonly<Record<string, string>>): World {
    const entries = Object.entries(texts);
    if (entries.length === 0) throw new InvalidInventory("no world: it has no files");
    return new World(new Map(entries.map(([name, text]) => [name, parsed(text, name)])));
  }

  /** What a plugin is shown, by project and for any other. Throws where a file is JSON, but not what the CLI prints. */
  shown(nowMs: number, projects?: readonly string[]): { projects: Map<string, Parts>; elsewhere: Parts } {
    const lists = this.#lists(nowMs, projects);
    const shown = [...lists.projects].map(([id, of]) => [id, shownFor(lists, id, of)] as const);
    return { projects: new Map(shown), elsewhere: shownElsewhere(lists) };
  }

  #lists(nowMs: number, asked?: readonly string[]): AccountLists {
    const at = this.#recordedAt() ?? nowMs;
    const [tenant, missing] = this.#tenant();
    // Without a tenant nobody can be asked for its lists.
    const account = missing ? this.#missing(missing, at) : this.#list("tenant/projects.json", rows.project, at);
    const allowances = missing
      ? this.#missing(missing, at)
      : this.#list("tenant/allowances.json", rows.allowance, at);
    const homes = new Map(account.items.map((item) => [item["id"] as string, item] as const).reverse());
    const names = asked ?? account.items.map((item) => item["id"] as string);
    return {
      tenant,
      account,
      allowances,
      capacities: this.#list("tenant/resource-advice.json", rows.capacities, at),
      reservations: this.#list("tenant/capacity-block-groups.json", rows.reservation, at),
      projects: new Map(names.map((name) => [name, this.#project(name, homes.get(name), at)])),
    };
  }

  #project(name: string, home: Json | undefined, at: number): ProjectLists {
    const region = (home?.["region"] as string | undefined) || null;
    const state = (home?.["state"] as string | null | undefined) ?? null;
    const ids = [...new Set([...this.#files.keys()].flatMap((file) => /^projects\/([^/]+)\//.exec(file)?.[1] ?? []))].sort();
    const below = `projects/${name}`;
    const hasFolder = ids.includes(name);
    if (!hasFolder && !this.#listedProjects().some((item) => item.message("metadata").text("id") === name)) {
      const why = `the recorded world holds no project \`${name}\`; it holds ${ids.join(", ") || "none"}`;
      const nothing = unanswered("unavailable", at, why);
      return { region, state, allowances: nothing, instanceTypes: nothing, reservationShares: nothing };
    }
    const shares = `${below}/capacity-allowances.json`;
    return {
      region,
      state,
      allowances: this.#list(`${below}/allowances.json`, rows.allowance, at),
      instanceTypes: this.#list(`${below}/platforms.json`, rows.instanceTypes, at),
      reservationShares: hasFolder ? this.#list(shares, rows.reservationShare, at) : this.#missing(shares, at),
    };
  }

  /**
   * The tenant's id: what `tenant.json` says, else whom all the projects belong to; where there is none, the file that
   * should say so. Credentials that may not read the tenant may still list its projects.
   */
  #tenant(): [string, string | undefined] {
    const file = "tenant/tenant.json";
    const told = this.#holds(file) ? this.#answer(file).message("metadata").text("id") : "";
    if (told) return [told, undefined];
    const parents = new Set(this.#listedProjects().map((item) => item.message("metadata").text("parent_id")));
    parents.delete("");
    const [only] = parents;
    return parents.size === 1 && only !== undefined ? [only, undefined] : ["", file];
  }

  #listedProjects(): Message[] {
    const file = "tenant/projects.json";
    return this.#holds(file) ? this.#answer(file).messages("items") : [];
  }

  #list(name: string, reader: Reader, at: number): Listed {
    if (!this.#holds(name)) {
      if (!this.#files.has(name) && OPTIONAL.test(name)) {
        return { items: [], state: "complete", fetchedAt: at, detail: null };
      }
      return this.#missing(name, at);
    }
    const page = this.#answer(name);
    const read = page.messages("items").flatMap((message) => [...reader(message)]);
    const items = read.filter((row): row is Json => !(row instanceof Malformed));
    const malformed = read.filter((row): row is Malformed => row instanceof Malformed);
    let detail: string | null = null;
    if (page.text("next_page_token")) {
      detail = `\`${name}\` holds only a part of the list: it has a \`next_page_token\`; record it again`;
    } else if (malformed[0]) {
      detail = `left out ${malformed.length} of the cloud's rows that make no sense, the first because ${malformed[0].why}`;
    }
    return { items, state: detail === null ? "complete" : "incomplete", fetchedAt: at, detail };
  }

  /** A source without an answer: the file holds an error, or is not there, or says nothing. */
  #missing(name: string, at: number): Listed {
    if (!this.#files.has(name)) return unanswered("unavailable", at, `the recorded world has no \`${name}\``);
    const refused = this.#refusal(name);
    if (!refused) return unanswered("unavailable", at, `\`${name}\` holds no id of a tenant`);
    const code = refused.text("code");
    const told = `${printable(code)}: ${printable(refused.text("message"))}`;
    const state = code.toUpperCase() === "PERMISSION_DENIED" ? "denied" : "unavailable";
    return unanswered(state, at, `\`${name}\` holds an error instead of an answer, ${told}`);
  }

  #holds(name: string): boolean {
    return this.#files.has(name) && !this.#refusal(name);
  }

  #refusal(name: string): Message | undefined {
    const file = new Message(this.#files.get(name), `\`${this.#told(name)}\``);
    return file.has("error") ? file.message("error") : undefined;
  }

  #answer(name: string): Message {
    const file = new Message(this.#files.get(name), "");
    // An empty list is left out by the CLI, and so a page may be nothing but a token; any other object without `items` is
    // some other file.
    const names = file.names();
    const isList = names.length === 0 || file.has("items") || file.has("next_page_token");
    if (name !== "tenant/tenant.json" && !isList) {
      throw new InvalidInventory(`\`${this.#told(name)}\` holds neither \`items\` nor an \`error\``);
    }
    return file;
  }

  #recordedAt(): number | undefined {
    if (!this.#files.has("recorded.json")) return undefined;
    const text = new Message(this.#files.get("recorded.json"), `\`${this.#told("recorded.json")}\``).text("recorded_at");
    const instant = instantMs(text);
    if (instant === undefined || instant < 0) {
      throw new InvalidInventory(`\`recorded.json\` says \`${text}\`, which is no instant of RFC 3339 after 1970`);
    }
    return instant;
  }

  #told(name: string): string {
    return this.#root === undefined ? name : path.join(this.#root, name);
  }
}
