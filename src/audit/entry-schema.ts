import * as z from 'zod/mini';
import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Entry, Json } from '../protocol/entry.ts';
import { ENTRY_TYPES, type EntryType } from '../protocol/log/entry-types.ts';

/** The maximum nesting of evidence: an intent in evidence in an entry, and some margin. A deeper value attacks the recursion (CWE-674). */
const MAX_DEPTH = 8;

const hash = z.custom<Hex>((value) => typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value));
const salt = z.custom<Hex>((value) => typeof value === 'string' && /^0x[0-9a-f]{32}$/.test(value));
const account = z.custom<AccountId>(
  (value) => typeof value === 'string' && parseAccountId(value) !== undefined,
);
const wellFormed = z.string().check(z.refine((text) => text.isWellFormed()));
const natural = z.int().check(z.nonnegative());
const jsonObject = z.custom<{ readonly [key: string]: Json }>(
  (value) => isObject(value) && isJson(value, MAX_DEPTH),
);

/** One entry of a chunk or an exported log. Strict: an unknown member must not be dropped silently from a proof. */
const entrySchema = z.strictObject({
  v: z.literal(1),
  type: z.enum(Object.keys(ENTRY_TYPES) as EntryType[]),
  seq: z.int().check(z.positive()),
  account,
  prev: hash,
  salt,
  at: natural,
  call: z.optional(hash),
  tool: z.optional(wellFormed),
  request: z.optional(hash),
  binding: z.optional(z.enum(['none', 'intent'])),
  evidence: z.optional(jsonObject),
  decision: z.optional(wellFormed),
  rule: z.optional(wellFormed),
  count: z.optional(z.int().check(z.positive())),
  policy: z.optional(hash),
  amounts: z.optional(z.record(wellFormed, z.string().check(z.regex(/^(0|[1-9][0-9]{0,77})$/)))),
  outcome: z.optional(jsonObject),
  payment: z.optional(jsonObject),
});

/** Reads an entry, or names its first malformed member. */
export const readEntry = (
  value: unknown,
): { readonly entry: Entry } | { readonly field: string } => {
  const parsed = entrySchema.safeParse(value);
  if (parsed.success) return { entry: parsed.data as Entry };
  const issue = parsed.error.issues[0];
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  return { field: [...(issue?.path ?? []), ...unknown].join('.') || 'entry' };
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether JCS has exactly one text for a value: strings, safe integers, booleans, null, arrays and objects (RFC 8785). */
export const isJson = (value: unknown, depth: number): value is Json => {
  if (value === null || typeof value === 'boolean') return true;
  // A lone surrogate has no UTF-8 form: two different strings would share one hash.
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || depth === 0) return false;
  return Array.isArray(value)
    ? value.every((item) => isJson(item, depth - 1))
    : Object.entries(value).every(([key, item]) => key.isWellFormed() && isJson(item, depth - 1));
};
