import canonicalize from 'canonicalize';
import * as z from 'zod/mini';
import type { Hex } from '../core/account-id.ts';
import { MAX_STORED, parseAmount, parseDollars } from '../core/amount.ts';
import { type Fault, faultsOf } from '../core/fault.ts';
import { err, ok, type Result } from '../core/result.ts';
import { utf8 } from '../crypto/bytes.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { readingText } from '../crypto/wire-fields.ts';
import type { Policy } from './policy.ts';
import { windowName } from './window.ts';

/** The policy of payers nobody has written one for, where the operator has not either (README, "Default policy"). */
export const BUILT_IN_POLICY: Policy = {
  perCall: 5_000_000n,
  exposure: 1_000_000n,
  rate: { limit: 600, seconds: 60 },
  windows: [],
};

const YEAR = 366 * 86_400;
const MAX_WINDOWS = 16;

const AMOUNT =
  'must be an amount like "$5.00", or a decimal string of atomic units, at most 2^53-1';

const amount = readingText(AMOUNT, (text) => {
  const value = text.startsWith('$') ? parseDollars(text) : parseAmount(text);
  return value !== undefined && value <= MAX_STORED ? value : undefined;
});

const integer = (from: number, to: number) => {
  const hint = `must be an integer from ${from} to ${to}`;
  return z.int(hint).check(z.minimum(from, hint), z.maximum(to, hint));
};

const every = z.union(
  [z.enum(['hour', 'day', 'month']), z.int().check(z.minimum(1), z.maximum(YEAR))],
  `must be "hour", "day", "month", or seconds from 1 to ${YEAR}`,
);

const windows = z
  .array(
    z.strictObject({ every, limit: amount }, 'must be an object {every, limit}'),
    'must be an array of {every, limit}',
  )
  .check(
    z.maxLength(MAX_WINDOWS, `must hold at most ${MAX_WINDOWS} windows`),
    // Spend is kept under the window's name: two of one name would be one count under two limits.
    z.refine(
      (list) => new Set(list.map((one) => windowName(one.every))).size === list.length,
      'must name each window once',
    ),
  );

const schema = z.strictObject(
  {
    perCall: amount,
    exposure: amount,
    rate: z.strictObject(
      { limit: integer(1, 1_000_000), seconds: integer(1, 86_400) },
      'must be an object {limit, seconds}',
    ),
    windows: z.optional(windows),
  },
  'must be an object {perCall, exposure, rate, windows}',
);

/** Reads a policy from JSON. Unknown fields are refused: a misspelt limit would be no limit. Every fault is given. */
export const parsePolicy = (json: unknown): Result<Policy, readonly Fault[]> => {
  const parsed = schema.safeParse(json);
  if (!parsed.success) return err(faultsOf(parsed.error.issues));
  const { perCall, exposure, rate, windows: list } = parsed.data;
  return ok({ perCall, exposure, rate, windows: list ?? [] });
};

/** SHA-256 over JCS of a policy, amounts as decimal strings; windows in the order written. Goes into every entry (design §5). */
export const policyHash = (policy: Policy): Hex => {
  const text = canonicalize({
    perCall: policy.perCall.toString(),
    exposure: policy.exposure.toString(),
    rate: { limit: policy.rate.limit, seconds: policy.rate.seconds },
    windows: policy.windows.map(({ every: each, limit }) => ({
      every: each,
      limit: limit.toString(),
    })),
  });
  if (text === undefined) throw new Error('a policy is always an object');
  return sha256Hex(utf8(text));
};
