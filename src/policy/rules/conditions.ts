import * as z from 'zod/mini';
import { toolPatterns } from '../../protocol/wire-fields.ts';
import { PARAM_NAME, paramText } from '../fields.ts';
import type { Refusal, Rule, Subject } from '../rule.ts';
import { matchesTool } from './tools.ts';

export type ConditionFields = {
  /** A call that matches one of these is denied. */
  readonly deny: readonly Condition[];
  /** A call of one of their tools must satisfy these. */
  readonly require: readonly Condition[];
};

/**
 * A condition on a declared parameter of a tool, for the rules `deny` and `require`. No regular expressions: conditions run inside the
 * deciding transaction (law 2), where a backtracking pattern would block the account (CWE-1333).
 */
export type Condition = {
  /** The tools it applies to, as in `ToolsFields.tools`; all tools if absent. */
  readonly tools?: readonly string[];
  /** Absent only in `deny`: then the tools themselves are denied. */
  readonly param?: string;
  readonly op?: Operator;
  /** At most 256 bytes each; a list for `in` and `hostIn`. */
  readonly value?: string | readonly string[];
};

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

export type Operator = (typeof OPERATORS)[number];

const MAX_LIST = 64;
/** The maximum number of conditions in `deny` and `require` together. */
export const MAX_CONDITIONS = 16;

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
} satisfies Rule<Pick<ConditionFields, 'deny'>, 'deny'>;

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
} satisfies Rule<Pick<ConditionFields, 'require'>, 'require'>;

/** The parameters that conditions of these policies compare in a call of the tool, each once. */
export const comparedParams = (
  policies: readonly ConditionFields[],
  tool: string,
): readonly string[] => [
  ...new Set(
    policies
      .flatMap(({ deny: denied, require: required }) => [...denied, ...required])
      .filter(({ tools: only }) => only === undefined || matchesTool(only, tool))
      .flatMap(({ param: name }) => (name === undefined ? [] : [name])),
  ),
];

const refusal = <Kind extends 'deny' | 'require'>(
  conditions: readonly Condition[],
  kind: Kind,
  subject: Subject,
): Refusal<Kind> | undefined => {
  const found = denyingCondition(conditions, kind, subject);
  if (found === undefined) return undefined;
  return found.param === undefined ? { rule: kind } : { rule: kind, param: found.param };
};

/**
 * Returns the first condition that denies the call: a condition of `deny` that holds or may hold, or a condition of `require` that does not
 * hold or may not hold. An unknown result denies (law 8).
 */
export const denyingCondition = (
  conditions: readonly Condition[],
  kind: 'deny' | 'require',
  subject: Subject,
): Condition | undefined =>
  conditions.find(
    (condition) =>
      (condition.tools === undefined || matchesTool(condition.tools, subject.tool)) &&
      holds(condition, subject.params) !== (kind === 'require'),
  );

/** True if the condition holds. Undefined if that is unknown: the parameter is not declared, not found, or not comparable. */
const holds = ({ param, op, value }: Condition, params: Subject['params']): boolean | undefined => {
  if (param === undefined || op === undefined || value === undefined) return true;
  const actual = Object.hasOwn(params, param) ? params[param] : undefined;
  return actual?.found === true ? compare(op, actual.value, value) : undefined;
};

/** Compares `actual` with the value; undefined if they cannot be compared. */
const compare = (
  op: Operator,
  actual: string,
  value: string | readonly string[],
): boolean | undefined => {
  if (typeof value !== 'string') {
    if (op === 'in') return value.includes(actual);
    if (op !== 'hostIn') return undefined;
    const host = hostOf(actual);
    return host === undefined ? undefined : isHostIn(host, value);
  }
  switch (op) {
    case 'eq':
      return actual === value;
    case 'ne':
      return actual !== value;
    case 'startsWith':
      return actual.startsWith(value);
    case 'endsWith':
      return actual.endsWith(value);
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte': {
      const left = scaled(actual);
      const right = scaled(value);
      if (left === undefined || right === undefined) return undefined;
      if (left === right) return op === 'lte' || op === 'gte';
      return left < right === op.startsWith('l');
    }
    case 'in':
    case 'hostIn':
      return undefined;
  }
};

const DECIMAL = /^(-?[0-9]{1,80})(?:\.([0-9]{1,32}))?$/;
const SCALE = 32;

/** Parses a decimal to a scaled integer; undefined for other text. No floats: 0.1 and 2^53+1 must compare exactly. */
export const scaled = (text: string): bigint | undefined => {
  const [, whole, fraction = ''] = DECIMAL.exec(text) ?? [];
  return whole === undefined ? undefined : BigInt(whole + fraction.padEnd(SCALE, '0'));
};

/**
 * URLs that every parser reads alike. With a user, an escape, a backslash or a trailing dot, this parser and the upstream's could see
 * different hosts (`http://good.example\@evil.example`).
 */
const URL_TEXT = /^https?:\/\/(?!\.)[\w.-]*[\w-](?::[0-9]*)?(?:$|\/|[?#][^@\\]*$)/i;

/** Returns the canonical host of an absolute http(s) URL; undefined if parsers could disagree about it. */
export const hostOf = (text: string): string | undefined =>
  URL_TEXT.test(text) ? URL.parse(text)?.hostname : undefined;

/** An entry `.example.com` matches hosts below example.com, any other entry matches itself. */
const isHostIn = (host: string, entries: readonly string[]): boolean =>
  entries.some((entry) => host === entry || (entry.startsWith('.') && host.endsWith(entry)));

/** True for `lt`, `lte`, `gt`, `gte`. */
const isOrder = (op: Operator | undefined): boolean => op !== undefined && /^[lg]te?$/.test(op);
