import { parseAddress } from '../../crypto/checksum.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import { POLICY_OPTIONS } from '../../policy/policy.ts';
import type { PolicyOption } from '../../policy/rule.ts';
import { ANY_PAYEE } from '../../policy/rules/payees.ts';
import { formatDollars } from '../../protocol/amount.ts';
import { amountIn } from './amounts.ts';
import { usageError } from './errors.ts';
import { type Input, listOf, optionOf } from './input.ts';
import { jsonFile } from './input-file.ts';
import { policyOf } from './policy-slot.ts';
import type { Session } from './session.ts';
import { durationIn, timeIn } from './times.ts';

/** Removes a field from the policy. */
const NONE = 'none';

type Parse = (text: string, flag: string, now: number, field: string) => unknown;

/** How an option of a policy rule is parsed. `window` is a limit in `windows`, all others are fields of their own. */
const PARSE: Readonly<Record<Exclude<PolicyOption['kind'], 'window'>, Parse>> = {
  list: listOf,
  payees: (text) => listOf(text).map(payeeIn),
  money: (text, flag) => formatDollars(amountIn(text, flag)),
  frequency: (text, flag, _, field) => {
    const [, count = '', length = ''] =
      /^([1-9][0-9]{0,6})\/([0-9]{1,9}[smhdw]?)$/.exec(text) ?? [];
    const seconds = durationIn(length);
    if (seconds === undefined)
      throw usageError(`${flag} takes a number per duration.`, `Give e.g. ${flag} 60/60s.`);
    return { [field === 'repeat' ? 'times' : 'limit']: Number(count), seconds };
  },
  percent: (text, flag) => {
    const [, digits] = /^([1-9][0-9]?)\s*%?$/.exec(text) ?? [];
    if (digits !== undefined) return Number(digits);
    throw usageError(`${flag} takes a percentage from 1 to 99.`, `Give e.g. ${flag} 80.`);
  },
  time: timeIn,
  text: (text) => text,
};

/** An address, or `any`. @throws CliError usage */
export const payeeIn = (text: string): `0x${string}` => {
  const payee = text === 'any' || text === '*' ? ANY_PAYEE : parseAddress(text);
  if (payee !== undefined) return payee;
  throw usageError('A payee is not an address.', 'Give addresses, comma-separated, or any.');
};

/** A policy with the fields changed that the options name, and no others. @throws CliError usage */
export const withFlags = (before: PolicyDocument, input: Input, now: number): PolicyDocument => {
  const draft: Record<string, unknown> = { ...before };
  for (const { flags, field, kind } of POLICY_OPTIONS) {
    const [flag = ''] = flags.split(' ');
    const text = input.text(optionOf(flag));
    if (text === undefined) continue;
    if (kind === 'window') draft['windows'] = withWindow(draft, field, text, flag);
    else if (text === NONE) delete draft[field];
    else draft[field] = PARSE[kind](text, flag, now, field);
  }
  return draft;
};

/** The flag names a window of all assets. A window of one asset is another limit and stays. */
const withWindow = (
  { windows = [] }: PolicyDocument,
  every: string,
  text: string,
  flag: string,
): readonly unknown[] => {
  const others = windows.filter((each) => each.every !== every || each.asset !== undefined);
  return text === NONE
    ? others
    : [...others, { every, limit: formatDollars(amountIn(text, flag)) }];
};

const MAX_POLICY = 32_768;

/** The policy of the file argument, else the stored one, changed by the options. @throws CliError usage */
export const policyIn = async (
  session: Session,
  input: Input,
  stored: PolicyDocument | undefined,
): Promise<PolicyDocument> => {
  const file = input.arguments[1];
  const hasFlags = POLICY_OPTIONS.some(
    ({ flags }) => input.text(optionOf(flags.split(' ')[0] ?? '')) !== undefined,
  );
  if (file === undefined && !hasFlags) {
    throw usageError(
      'The command needs a policy.',
      'Give a file, or options such as --per-call 0.05 --per-day 1.',
    );
  }
  const from = file === undefined ? (stored ?? {}) : await jsonFile(session, file, MAX_POLICY);
  policyOf(from);
  const document = withFlags(from as PolicyDocument, input, session.now());
  policyOf(document);
  return document;
};
