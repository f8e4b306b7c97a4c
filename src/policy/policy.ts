import canonicalize from 'canonicalize';
import * as z from 'zod/mini';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { sha256Hex, utf8 } from '../crypto/bytes.ts';
import type { Denial } from '../protocol/account/denial.ts';
import { formatDollars } from '../protocol/amount.ts';
import { type FieldFault, faultsOf } from '../protocol/fault.ts';
import type { Wording } from '../protocol/problem/words.ts';
import { money } from './fields.ts';
import type { DenialWording, Rule } from './rule.ts';
import { approveAbove, type ApproveAboveFields } from './rules/approve-above.ts';
import { assets, type AssetsFields } from './rules/assets.ts';
import { binding, type BindingFields } from './rules/binding.ts';
import { type ConditionFields, deny, MAX_CONDITIONS, require } from './rules/conditions.ts';
import { exposure, type ExposureFields } from './rules/exposure.ts';
import { maxValidity, type MaxValidityFields } from './rules/max-validity.ts';
import { payees, type PayeesFields } from './rules/payees.ts';
import { perCall, type PerCallFields } from './rules/per-call.ts';
import { rate, rateField, type RateFields } from './rules/rate.ts';
import { repeat, type RepeatFields } from './rules/repeat.ts';
import { softPercent, type SoftPercentFields } from './rules/soft-percent.ts';
import { spend, type SpendFields } from './rules/spend.ts';
import { frozen, paused, revoked } from './rules/status.ts';
import { tools, type ToolsFields } from './rules/tools.ts';
import { validPeriod, type ValidPeriodFields } from './rules/valid-period.ts';

/**
 * The rights and limits of an account: one document, written by an operator or an owner, or compiled from a delegation. Amounts are atomic
 * units of the asset that a call is paid in. An absent field sets no limit of its kind; an empty list allows nothing.
 */
export type Policy = ToolsFields &
  PayeesFields &
  AssetsFields &
  PerCallFields &
  ApproveAboveFields &
  SpendFields &
  ExposureFields &
  RateFields &
  RepeatFields &
  SoftPercentFields &
  MaxValidityFields &
  BindingFields &
  ValidPeriodFields &
  ConditionFields;

/** The rules that depend only on the account and its grants. If one denies a call, it denies every call. */
export const STANDING_GROUPS = [[frozen], [paused], [revoked, validPeriod]] as const;

/**
 * The order of evaluation. Every source of limits passes one group before any source is checked against the next; within a group the
 * first source that denies is named. A free call passes the rules on payees, assets and money. Whether the funds suffice is the
 * account's decision, after all rules.
 */
export const RULE_GROUPS: readonly (readonly CheckedRule[])[] = [
  ...STANDING_GROUPS,
  [deny],
  [tools, payees, assets, require, binding, maxValidity],
  [perCall],
  [spend],
  [rate],
  [repeat],
];

type CheckedRule = Rule<Policy> & Required<Pick<Rule<Policy>, 'check'>>;

/** The rules with fields, in the order of the policy document. */
const DOCUMENT = [
  tools,
  payees,
  assets,
  perCall,
  approveAbove,
  spend,
  exposure,
  rate,
  repeat,
  softPercent,
  maxValidity,
  binding,
  validPeriod,
  deny,
  require,
] as const;

type NamesOf<R> = R extends { readonly denials: infer Denials } ? keyof Denials : never;

/** The names of denials by policies, on the wire. */
export type PolicyDenial = NamesOf<Denying>;

type Denying = (typeof DOCUMENT)[number] | (typeof STANDING_GROUPS)[number][number];

/** What the figures of a denial count, as its rule declares it. */
export type CountsOf<Name extends PolicyDenial> = [
  Extract<Denying, { readonly denials: { readonly [Each in Name]: { readonly counts: 'calls' } } }>,
] extends [never]
  ? { readonly counts?: never }
  : { readonly counts: 'calls' };

type Merged<T> = (T extends unknown ? (each: T) => void : never) extends (all: infer All) => void
  ? All
  : never;
type Shape = Merged<(typeof DOCUMENT)[number]['shape']>;

const shape = {
  v: z.exactOptional(z.literal(1, 'must be 1')),
  ...(Object.assign({}, ...DOCUMENT.map((rule) => rule.shape)) as Shape),
};

/** Checks that concern several fields. */
const whole = z.check<Partial<Policy>>(({ value: policy, issues }) => {
  const blame = (field: keyof Policy, message: string) =>
    issues.push({ code: 'custom', input: policy, message, path: [field] });
  const { validFrom, validUntil, deny: denied = [], require: required = [] } = policy;
  if (validFrom !== undefined && validUntil !== undefined && validFrom >= validUntil) {
    blame('validUntil', 'must be after validFrom');
  }
  if (denied.length + required.length > MAX_CONDITIONS) {
    blame('require', `must hold, with deny, at most ${MAX_CONDITIONS} rules`);
  }
});

const HINT = 'must be an object with the fields of docs/policy.md';
export const policySchema = z.strictObject(shape, HINT).check(whole);
const defaultSchema = z
  .strictObject({ ...shape, perCall: money, exposure: money, rate: rateField }, HINT)
  .check(whole);

const parserOf =
  (schema: typeof policySchema | typeof defaultSchema) =>
  (json: unknown): Result<Policy, readonly FieldFault[]> => {
    const parsed = schema.safeParse(json);
    if (!parsed.success) return err(faultsOf(parsed.error.issues));
    const {
      v: _,
      windows = [],
      deny: denied = [],
      require: required = [],
      ...policy
    } = parsed.data;
    return ok({ ...policy, windows, deny: denied, require: required });
  };

/** Parses a policy from JSON and reports every fault. Rejects unknown fields: a misspelt limit would be no limit. */
export const parsePolicy = parserOf(policySchema);

const readDefault = parserOf(defaultSchema);

/** The most bytes of a default policy: an entry of a call may have to hold it, next to an intent and a contract's signature. */
const MAX_DEFAULT = 8_192;

/** Parses the default policy, which must cap the price, the exposure and the rate of unknown payers. */
export const parseDefaultPolicy: typeof readDefault = (json) => {
  const read = readDefault(json);
  return read.ok && utf8(JSON.stringify(policyJson(read.value))).length > MAX_DEFAULT
    ? err([{ field: '', reason: `must be at most ${MAX_DEFAULT} bytes` }])
    : read;
};

/** The default policy if the operator has not set one (docs/policy.md). */
export const BUILT_IN_POLICY: Policy = {
  perCall: 5_000_000n,
  exposure: 1_000_000n,
  rate: { limit: 600, seconds: 60 },
  windows: [],
  deny: [],
  require: [],
};

/** Returns a policy as the canonical document that `parsePolicy` reads: amounts in dollars, no empty condition lists. */
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

/** Returns SHA-256 over the JCS form of a policy's document; every entry of the audit log carries it. */
export const policyHash = (policy: Policy): Hex => {
  const text = canonicalize(policyJson(policy));
  if (text === undefined) throw new Error('a policy is always an object');
  return sha256Hex(utf8(text));
};

const WORDING = new Map<string, DenialWording>(
  [frozen, paused, revoked, ...DOCUMENT].flatMap((rule) =>
    Object.entries<DenialWording>(rule.denials),
  ),
);

/** Returns the wording of a denial by a policy rule; undefined for other denials. */
export const policyWording = ({
  rule,
  retryAfter,
}: Pick<Denial, 'rule' | 'retryAfter'>): Wording | undefined => {
  const wording = WORDING.get(rule);
  return retryAfter === undefined ? (wording?.final ?? wording) : wording;
};
