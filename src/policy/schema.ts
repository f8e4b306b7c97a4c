import canonicalize from 'canonicalize';
import * as z from 'zod/mini';
import { type AssetId, chainIdOf } from '../protocol/account-id.ts';
import { type Hex, isAddress } from '../core/hex.ts';
import { formatDollars, MONEY_HINT, parseMoney } from '../protocol/amount.ts';
import { type FieldFault, faultsOf } from '../protocol/fault.ts';
import { err, ok, type Result } from '../core/result.ts';
import { utf8 } from '../crypto/bytes.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { readingText } from '../protocol/wire-fields.ts';
import { payees, toolPatterns } from '../protocol/wire-fields.ts';
import { integer } from './fields.ts';
import type { Policy } from './policy.ts';
import { denyRules, requireRules } from './rule-schema.ts';
import { windowName } from './window.ts';

/** The policy of payers nobody has written one for, where the operator has not either (docs/policy.md). */
export const BUILT_IN_POLICY: Policy = {
  perCall: 5_000_000n,
  exposure: 1_000_000n,
  rate: { limit: 600, seconds: 60 },
  windows: [],
  deny: [],
  require: [],
};

const DAY = 86_400;
const YEAR = 366 * DAY;
const MAX_WINDOWS = 16;
const MAX_RULES = 16;
const MAX_ASSETS = 64;

const amount = readingText(MONEY_HINT, parseMoney);

const asset = readingText('must be a lower-case asset like "eip155:8453/erc20:0x…"', (text) => {
  const [on = '', token = '', more] = text.split('/erc20:');
  return chainIdOf(on) !== undefined && isAddress(token) && more === undefined
    ? (text as AssetId)
    : undefined;
});

const EVERY = `must be "hour", "day", "month", or seconds from 1 to ${YEAR}`;
const every = z.union(
  [z.enum(['hour', 'day', 'month']), z.int().check(z.minimum(1, EVERY), z.maximum(YEAR, EVERY))],
  EVERY,
);

const windows = z
  .array(
    z.strictObject(
      { every, limit: amount, asset: z.exactOptional(asset) },
      'must be an object {every, limit, asset}',
    ),
    'must be an array of {every, limit}',
  )
  .check(
    z.maxLength(MAX_WINDOWS, `must hold at most ${MAX_WINDOWS} windows`),
    // Spend is kept under the window's name and the asset: two of one kind would be one count under two limits.
    z.refine(
      (list) => new Set(list.map((one) => windowName(one.every) + one.asset)).size === list.length,
      'must name each window once',
    ),
  );

const rate = z.strictObject(
  { limit: integer(1, 1_000_000), seconds: integer(1, DAY) },
  'must be an object {limit, seconds}',
);

const time = integer(0, Number.MAX_SAFE_INTEGER);

const shape = {
  v: z.exactOptional(z.literal(1, 'must be 1')),
  tools: z.exactOptional(toolPatterns),
  payees: z.exactOptional(payees),
  assets: z.exactOptional(
    z
      .array(asset, 'must be an array')
      .check(z.maxLength(MAX_ASSETS, `must hold at most ${MAX_ASSETS} entries`)),
  ),
  perCall: z.exactOptional(amount),
  windows: z.exactOptional(windows),
  lifetime: z.exactOptional(amount),
  exposure: z.exactOptional(amount),
  rate: z.exactOptional(rate),
  repeat: z.exactOptional(
    z.strictObject(
      { times: integer(1, 100), seconds: integer(1, DAY) },
      'must be an object {times, seconds}',
    ),
  ),
  softPercent: z.exactOptional(integer(1, 99)),
  maxValidity: z.exactOptional(integer(1, DAY)),
  binding: z.exactOptional(z.enum(['none', 'intent'], 'must be none or intent')),
  validFrom: z.exactOptional(time),
  validUntil: z.exactOptional(time),
  deny: z.exactOptional(denyRules),
  require: z.exactOptional(requireRules),
};

/** What no single field shows. */
const whole = z.check<Partial<Policy>>(({ value: policy, issues }) => {
  const blame = (field: keyof Policy, message: string) =>
    issues.push({ code: 'custom', input: policy, message, path: [field] });
  const { validFrom, validUntil, deny = [], require = [] } = policy;
  if (validFrom !== undefined && validUntil !== undefined && validFrom >= validUntil) {
    blame('validUntil', 'must be after validFrom');
  }
  if (deny.length + require.length > MAX_RULES) {
    blame('require', `must hold, with deny, at most ${MAX_RULES} rules`);
  }
});

const HINT = 'must be an object with the fields of docs/policy.md';
export const policySchema = z.strictObject(shape, HINT).check(whole);
const defaultSchema = z
  .strictObject({ ...shape, perCall: amount, exposure: amount, rate }, HINT)
  .check(whole);

const reader =
  (schema: typeof policySchema | typeof defaultSchema) =>
  (json: unknown): Result<Policy, readonly FieldFault[]> => {
    const parsed = schema.safeParse(json);
    if (!parsed.success) return err(faultsOf(parsed.error.issues));
    const { v: _, windows: list = [], deny = [], require = [], ...policy } = parsed.data;
    return ok({ ...policy, windows: list, deny, require });
  };

/** Reads a policy from JSON. Unknown fields are refused: a misspelt limit would be no limit. Every fault is given. */
export const parsePolicy = reader(policySchema);

/** As `parsePolicy`, of what holds for everybody: there a payer is never without a cap per call, an exposure and a rate. */
export const parseDefaultPolicy = reader(defaultSchema);

/** A policy as the document that `parsePolicy` reads, in its one form: amounts in dollars, empty rule lists left out. */
export const policyJson = (policy: Policy): Readonly<Record<string, unknown>> =>
  JSON.parse(
    JSON.stringify(policy, (key, value: unknown) =>
      typeof value === 'bigint'
        ? formatDollars(value)
        : (key === 'deny' || key === 'require') && Array.isArray(value) && value.length === 0
          ? undefined
          : value,
    ),
  ) as Record<string, unknown>;

/** SHA-256 over JCS of a policy's document; lists in the order written. Goes into every entry (design §5). */
export const policyHash = (policy: Policy): Hex => {
  const text = canonicalize(policyJson(policy));
  if (text === undefined) throw new Error('a policy is always an object');
  return sha256Hex(utf8(text));
};
