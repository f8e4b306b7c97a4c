import type { Operator, Rule, Subject } from './policy.ts';
import { matchesTool } from './tool-pattern.ts';

const DECIMAL = /^(-?[0-9]{1,80})(?:\.([0-9]{1,32}))?$/;
const SCALE = 32;

/** A decimal as a scaled integer; undefined for anything else. No float: 0.1 and 2^53+1 must compare as they are written. */
export const scaled = (text: string): bigint | undefined => {
  const [, whole, fraction = ''] = DECIMAL.exec(text) ?? [];
  return whole === undefined ? undefined : BigInt(whole + fraction.padEnd(SCALE, '0'));
};

/**
 * One reading only: with a user, an escape, a backslash or a dot at the end, this parser and the upstream's could each see another
 * host (`http://good.example\@evil.example`).
 */
const URL_TEXT = /^https?:\/\/(?!\.)[\w.-]*[\w-](?::[0-9]*)?(?:$|\/|[?#][^@\\]*$)/i;

/** The host of an absolute http(s) URL, in its one form; undefined where it could be read as another. */
export const hostOf = (text: string): string | undefined =>
  URL_TEXT.test(text) ? URL.parse(text)?.hostname : undefined;

/** An entry `.example.com` is for what is below example.com, any other for itself. */
const isHostIn = (host: string, entries: readonly string[]): boolean =>
  entries.some((entry) => host === entry || (entry.startsWith('.') && host.endsWith(entry)));

/** `lt`, `lte`, `gt`, `gte`. */
export const isOrder = (op: Operator | undefined): boolean =>
  op !== undefined && /^[lg]te?$/.test(op);

/** Whether `actual` is as the operator says; undefined where that cannot be told. */
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

/** Whether a call is as the rule says. Undefined where that cannot be told: the parameter is not declared, not there, or no such value. */
const holds = ({ param, op, value }: Rule, params: Subject['params']): boolean | undefined => {
  if (param === undefined || op === undefined || value === undefined) return true;
  const actual = Object.hasOwn(params, param) ? params[param] : undefined;
  return actual?.found === true ? compare(op, actual.value, value) : undefined;
};

/**
 * The first rule that refuses the call: of `deny` one that it is, or may be, as described; of `require` one that it is not, or may not
 * be. What is not known is refused (law 8).
 */
export const refusedBy = (
  rules: readonly Rule[],
  kind: 'deny' | 'require',
  subject: Subject,
): Rule | undefined =>
  rules.find(
    (rule) =>
      (rule.tools === undefined || matchesTool(rule.tools, subject.tool)) &&
      holds(rule, subject.params) !== (kind === 'require'),
  );
