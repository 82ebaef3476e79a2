// JSON whose whole numbers keep every digit: those beyond 2^53 are BigInt.

import { parse as parseLossless, stringify as stringifyLossless } from "lossless-json";

/** A whole number; BigInt where a double would lose digits. */
export type Whole = number | bigint;

const LONG_NUMBER = /\d{16}/;

function exact(digits: string): unknown {
  const value = Number(digits);
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(digits) ? value : BigInt(digits);
}

/** Reads JSON. Throws `SyntaxError`. */
export function parse(text: string): unknown {
  // Text without a long run of digits has no number that could lose any.
  return LONG_NUMBER.test(text) ? parseLossless(text, null, exact) : JSON.parse(text);
}

/** Writes JSON. Throws where a value has none: NaN and infinities too, which JSON would turn into null. */
export function stringify(value: unknown): string {
  let big = false;
  const text = JSON.stringify(value, (name, member: unknown) => {
    if (typeof member === "number" && !Number.isFinite(member)) throw new TypeError(`\`${name}\` is ${member}`);
    if (typeof member !== "bigint") return member;
    big = true;
    return 0;
  });
  const exactText = big ? stringifyLossless(value) : text;
  if (exactText === undefined) throw new TypeError("the value has no form as JSON");
  return exactText;
}
