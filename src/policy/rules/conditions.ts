import * as z from 'zod/mini';
import { toolPatterns } from '../../protocol/wire-fields.ts';
import { type Condition, denyingCondition, hostOf, isOrder, scaled } from '../condition.ts';
import { PARAM_NAME, paramText } from '../fields.ts';
import type { Refusal, Rule, Subject } from '../rule.ts';

const MAX_LIST = 64;
/** The maximum number of conditions in `deny` and `require` together. */
export const MAX_CONDITIONS = 16;

const OPERATORS = [
  'eq',
  'ne',
  'in',
  'lt',
  'lte',
  'gt',
  'gte',
  'startsWith',
  'endsWith',
  'hostIn',
] as const;

const VALUE = `must be text of at most 256 bytes, or a list of at most ${MAX_LIST} for in and hostIn`;

const NAME = 'must be 1 to 64 of A-Z a-z 0-9 . _ -';
const param = z.string(NAME).check(z.regex(PARAM_NAME, NAME));
const op = z.enum(OPERATORS, `must be one of ${OPERATORS.join(', ')}`);
const value = z.union([paramText, z.array(paramText).check(z.maxLength(MAX_LIST, VALUE))], VALUE);

/** True for a host as URLs spell it. A condition on `Evil.example` would never match. */
const isHost = (entry: string): boolean => {
  const name = entry.replace(/^\./, '');
  return hostOf(`http://${name}`) === name;
};

/** Returns what is wrong with a value for its operator. */
const valueFault = (operator: Condition['op'], given: Condition['value']): string | undefined => {
  const isList = typeof given !== 'string';
  if (isList !== (operator === 'in' || operator === 'hostIn')) return VALUE;
  if (!isList) {
    return isOrder(operator) && scaled(given) === undefined
      ? 'must be a decimal number'
      : undefined;
  }
  return operator === 'in' || given?.every(isHost)
    ? undefined
    : 'must be hosts like "api.example", or ".api.example" for all below it';
};

/** Checks the condition as a whole. A condition with half of its fields would match nothing, or everything. */
const whole = z.check<Condition>(({ value: condition, issues }) => {
  const blame = (field: string, message: string) =>
    issues.push({ code: 'custom', input: condition, message, path: [field] });
  const missing = (['param', 'op', 'value'] as const).filter(
    (part) => condition[part] === undefined,
  );
  if (missing.length === 3) {
    if (condition.tools === undefined) blame('tools', 'is required in a condition without param');
  } else if (missing.length > 0) {
    for (const part of missing) blame(part, 'is required');
  } else {
    const fault = valueFault(condition.op, condition.value);
    if (fault !== undefined) blame('value', fault);
  }
});

const HINT = 'must be an object {tools, param, op, value}';
const LIST = 'must be an array of rules';
const tools = z.exactOptional(toolPatterns);

const requireConditions = z.array(
  z.strictObject({ tools, param, op, value }, HINT).check(whole),
  LIST,
);

/** `deny` also takes tools alone: it denies them whatever their parameters. */
const denyConditions = z.array(
  z
    .strictObject(
      {
        tools,
        param: z.exactOptional(param),
        op: z.exactOptional(op),
        value: z.exactOptional(value),
      },
      HINT,
    )
    .check(whole),
  LIST,
);

export type ConditionFields = {
  /** A call that matches one of these is denied. */
  readonly deny: readonly Condition[];
  /** A call of one of their tools must satisfy these. */
  readonly require: readonly Condition[];
};

const refusal = (
  conditions: readonly Condition[],
  kind: 'deny' | 'require',
  subject: Subject,
): Refusal | undefined => {
  const found = denyingCondition(conditions, kind, subject);
  if (found === undefined) return undefined;
  return found.param === undefined ? { rule: kind } : { rule: kind, param: found.param };
};

/** Denies calls that match a condition. */
export const deny = {
  shape: { deny: z.exactOptional(denyConditions) },
  denials: {
    deny: {
      subject: 'A deny rule of the policy matches this call.',
      hint: 'Call another tool or send other values of `param`, or ask the owner of `account` to change the rule.',
    },
  },
  check: (policy, _, subject) => refusal(policy.deny, 'deny', subject),
} satisfies Rule<Pick<ConditionFields, 'deny'>>;

/** Denies calls that do not satisfy a condition. */
export const require = {
  shape: { require: z.exactOptional(requireConditions) },
  denials: {
    require: {
      subject:
        'A rule of the policy requires another value of `param`, or one that the gateway can read.',
      hint: 'Send `param` exactly once, with a value of a simple type that the rule allows.',
    },
  },
  check: (policy, _, subject) => refusal(policy.require, 'require', subject),
} satisfies Rule<Pick<ConditionFields, 'require'>>;
