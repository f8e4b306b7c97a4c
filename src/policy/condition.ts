import type { Subject } from './rule.ts';
import { matchesTool } from './rules/tools.ts';

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

export type Operator =
  | 'eq'
  | 'ne'
  | 'in'
  | 'lt'
  | 'lte'
  | 'gt'
  | 'gte'
  | 'startsWith'
  | 'endsWith'
  | 'hostIn';

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
export const isOrder = (op: Operator | undefined): boolean =>
  op !== undefined && /^[lg]te?$/.test(op);

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

/** True if the condition holds. Undefined if that is unknown: the parameter is not declared, not found, or not comparable. */
const holds = ({ param, op, value }: Condition, params: Subject['params']): boolean | undefined => {
  if (param === undefined || op === undefined || value === undefined) return true;
  const actual = Object.hasOwn(params, param) ? params[param] : undefined;
  return actual?.found === true ? compare(op, actual.value, value) : undefined;
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
