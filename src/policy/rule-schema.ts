import * as z from 'zod/mini';
import { toolPatterns } from '../protocol/wire-fields.ts';
import { PARAM_NAME, paramText } from './fields.ts';
import type { Rule } from './policy.ts';
import { hostOf, isOrder, scaled } from './rule.ts';

const MAX_LIST = 64;

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

/** A host as URLs spell it, so that it can be met at all: a rule against `Evil.example` would stop nobody. */
const isHost = (entry: string): boolean => {
  const name = entry.replace(/^\./, '');
  return hostOf(`http://${name}`) === name;
};

/** What is wrong with a value for its operator. */
const valueFault = (operator: Rule['op'], given: Rule['value']): string | undefined => {
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

/** What no single field shows. A rule that says half would be met by nothing, or by everything. */
const whole = z.check<Rule>(({ value: rule, issues }) => {
  const blame = (field: string, message: string) =>
    issues.push({ code: 'custom', input: rule, message, path: [field] });
  const missing = (['param', 'op', 'value'] as const).filter((part) => rule[part] === undefined);
  if (missing.length === 3) {
    if (rule.tools === undefined) blame('tools', 'must be there where no param is');
  } else if (missing.length > 0) {
    for (const part of missing) blame(part, 'must be there');
  } else {
    const fault = valueFault(rule.op, rule.value);
    if (fault !== undefined) blame('value', fault);
  }
});

const HINT = 'must be an object {tools, param, op, value}';
const LIST = 'must be an array of rules';
const tools = z.exactOptional(toolPatterns);

export const requireRules = z.array(
  z.strictObject({ tools, param, op, value }, HINT).check(whole),
  LIST,
);

/** Here tools may stand alone: they are refused whatever they are asked. */
export const denyRules = z.array(
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
