// Messages of the cloud as its official CLI prints them: JSON by the rules of protobuf.
//
// Names are snake_case or camelCase, 64-bit numbers are text or numbers, an absent member is the type's zero, and what this
// package does not know is passed over: a newer CLI may print more.

import { InvalidInventory } from "./errors.js";
import type { Whole } from "./numbers.js";

const TIMESTAMP = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/** Milliseconds from the Unix epoch to an instant of RFC 3339; undefined where the text is none. */
export function instantMs(text: string): number | undefined {
  const found = TIMESTAMP.exec(text);
  if (!found) return undefined;
  const [, date, clock, fraction = "0", zone = "Z"] = found;
  const seconds = Date.parse(`${date}T${clock}${zone.toUpperCase()}`);
  return Number.isNaN(seconds) ? undefined : seconds + Number(fraction.slice(0, 3).padEnd(3, "0"));
}

/** The value as a safe number where it is one. */
function narrowed(value: bigint): Whole {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** One message. Every reader throws `InvalidInventory` where the member is of another kind. */
export class Message {
  readonly #value: Record<string, unknown>;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new InvalidInventory(`${path || "the file"} must be an object, and is ${String(value).slice(0, 60)}`);
    }
    this.#value = value as Record<string, unknown>;
    this.#path = path;
  }

  /** The names of all members. */
  names(): string[] {
    return Object.keys(this.#value);
  }

  /** Whether the member is there, and not null. */
  has(name: string): boolean {
    return this.#member(name) !== undefined;
  }

  /** A message within this one; an empty one where it is absent. */
  message(name: string): Message {
    return new Message(this.#member(name) ?? {}, this.#at(name));
  }

  /** A list of messages. */
  messages(name: string): Message[] {
    const value = this.#member(name) ?? [];
    if (!Array.isArray(value)) throw this.#wrong(name, "a list", value);
    return value.map((item, index) => new Message(item, `${this.#at(name)}[${index}]`));
  }

  /** A text; empty where it is absent. */
  text(name: string): string {
    const value = this.#member(name) ?? "";
    if (typeof value !== "string") throw this.#wrong(name, "text", value);
    return value;
  }

  /** A text; null where it is absent or empty, which is how the wire spells an absent one. */
  filled(name: string): string | null {
    return this.text(name) || null;
  }

  /** True or false; false where it is absent. */
  truth(name: string): boolean {
    const value = this.#member(name) ?? false;
    if (typeof value !== "boolean") throw this.#wrong(name, "true or false", value);
    return value;
  }

  /** A whole number of some bits; zero where it is absent. */
  unsigned(name: string, bits = 64n): Whole {
    return this.#whole(name, 0n, (1n << bits) - 1n) ?? 0;
  }

  /** A whole number of 64 bits; null where it is absent. */
  optionalUnsigned(name: string): Whole | null {
    return this.#whole(name, 0n, (1n << 64n) - 1n) ?? null;
  }

  /** A whole number of 32 bits with a sign; zero where it is absent. */
  signed(name: string): number {
    return Number(this.#whole(name, -(1n << 31n), (1n << 31n) - 1n) ?? 0);
  }

  /**
   * An enum, by name or number, as the contract spells it: without its prefix, in lower case, with dashes. `cases` are the
   * names that the contract has a word for, with the cloud's numbers; all else is `otherwise`.
   */
  case(name: string, prefix: string, cases: Readonly<Record<string, number>>, otherwise: string): string {
    const value = this.#member(name);
    if (value === undefined) return otherwise;
    if (typeof value === "number") {
      return Object.keys(cases).find((known) => cases[known] === value) ?? otherwise;
    }
    if (typeof value !== "string") throw this.#wrong(name, "the name or number of a case", value);
    if (!value.startsWith(prefix)) return otherwise;
    const short = value.slice(prefix.length).toLowerCase().replaceAll("_", "-");
    return Object.hasOwn(cases, short) ? short : otherwise;
  }

  /**
   * An enum, by name or number, as the cloud spells it. `words` are the names that are known, by number; another name reads as
   * the first, and another number as itself.
   */
  word(name: string, prefix: string, words: readonly [string, ...string[]]): string {
    const value = this.#member(name);
    if (typeof value === "number") return words[value] ?? String(value);
    if (value === undefined) return words[0];
    if (typeof value !== "string") throw this.#wrong(name, "the name or number of a case", value);
    const short = value.startsWith(prefix) ? value.slice(prefix.length) : value;
    return words.includes(short) ? short : words[0];
  }

  /** An instant in milliseconds since the Unix epoch; null where it is absent or before the epoch. */
  instantMs(name: string): number | null {
    const value = this.#member(name);
    if (value === undefined) return null;
    const instant = typeof value === "string" ? instantMs(value) : undefined;
    if (instant === undefined) throw this.#wrong(name, "an instant of RFC 3339", value);
    return instant >= 0 ? instant : null;
  }

  #member(name: string): unknown {
    const camel = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    const value = Object.hasOwn(this.#value, name)
      ? this.#value[name]
      : Object.hasOwn(this.#value, camel)
        ? this.#value[camel]
        : undefined;
    return value ?? undefined;
  }

  #whole(name: string, least: bigint, most: bigint): Whole | undefined {
    const value = this.#member(name);
    if (value === undefined) return undefined;
    let number: bigint | undefined;
    if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value))) number = BigInt(value);
    else if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) number = BigInt(value);
    if (number === undefined || number < least || number > most) {
      throw this.#wrong(name, `a whole number from ${least} to ${most}`, value);
    }
    return narrowed(number);
  }

  #at(name: string): string {
    return this.#path ? `${this.#path}.${name}` : name;
  }

  #wrong(name: string, expected: string, value: unknown): InvalidInventory {
    return new InvalidInventory(`\`${this.#at(name)}\` must be ${expected}, and is ${String(value).slice(0, 60)}`);
  }
}
