import { shortText } from '../core/plain-text.ts';
import type { FieldFault } from '../protocol/fault.ts';

const MAX_REASON = 200;

/** Messages that only state that something deeper is wrong. */
const CONTAINER =
  /^(?:Property ".*" does not match schema|Items? did not match schema|A subschema had errors)/;

/** The messages of `@cfworker/json-schema` as the end of a sentence that begins with the argument. */
const REASONS: readonly (readonly [message: RegExp, reason: string])[] = [
  [/^Instance does not have required property "(.*)"\.$/s, 'must have "$1"'],
  [
    /^Property "(.*)" does not match (?:additional|unevaluated) properties schema\.$/s,
    'must not have "$1"',
  ],
  [/^Instance type "(.*)" is invalid\. Expected "(.*)"\.$/s, 'must be of the type "$2", not "$1"'],
  [/^Instance does not match any of (.*)\.$/s, 'must be one of $1'],
  [/^Instance does not match any subschemas\.$/, 'must have one of the forms in the schema'],
  [
    /^Instance does not match exactly one subschema \((\d+) matches\)\.$/,
    'must have exactly one of the forms in the schema, and has $1',
  ],
  [/^String is too short \(\d+ < (\d+)\)\.$/, 'must be at least $1 characters long'],
  [/^String is too long \(\d+ > (\d+)\)\.$/, 'must be at most $1 characters long'],
  [/^String does not match format "(.*)"\.$/s, 'must have the format $1'],
  [/^Array has too few items \(\d+ < (\d+)\)\.$/, 'must have at least $1 items'],
  [/^Array has too many items \(\d+ > (\d+)\)\.$/, 'must have at most $1 items'],
  [/^\S+ is less than (?:or equal to +)?(\S+)\.$/, 'is too small: the limit is $1'],
  [/^\S+ is greater than (?:or equal to +)?(\S+)\.$/, 'is too large: the limit is $1'],
  [/^\S+ is not a multiple of (\S+)\.$/, 'must be a multiple of $1'],
  [/^False boolean schema\.$/, 'must be left out'],
];

/** Returns the first message of the validator that names a cause: `#/order/amount: -1 is less than 0.` */
export const argumentFault = (message: string): FieldFault => {
  const messages = message.split('; #').map((each) => each.replace(/^#/, ''));
  const causes = messages.filter((each) => !CONTAINER.test(each.replace(/^[^:]*: /, '')));
  const [, pointer = '', cause = ''] = /^([^:]*): (.*)$/s.exec(causes[0] ?? '') ?? [];
  const path = pointer.replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
  return {
    field: shortText(`arguments${path}`, MAX_REASON),
    reason: shortText(reasonOf(cause), MAX_REASON),
  };
};

const reasonOf = (cause: string): string => {
  const known = REASONS.find(([message]) => message.test(cause));
  if (known !== undefined) return cause.replace(...known);
  const rest = cause.replace(/\.$/, '');
  return `must match the schema of the tool${rest === '' ? '' : `: ${rest}`}`;
};
