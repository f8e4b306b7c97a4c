import type { EntryEvent } from '../../client/management-events.ts';
import { countsCalls } from '../../protocol/account/denial.ts';
import { decimalOf, symbolOf } from './amount.ts';
import { ruleName } from '../../policy/rule-name.ts';
import { addressIn, shortened } from './text.ts';

type DenialEntry = Pick<EntryEvent, 'type' | 'rule' | 'outcome' | 'account' | 'count' | 'payment'>;

/** The asset that an entry names; empty if it names none. */
export const assetIn = (payment: EntryEvent['payment']): string =>
  stringMember(payment, 'asset') ?? '';

const DIGITS = /^[0-9]{1,78}$/;

/** A member of a value of the log, if it is a text. */
export const stringMember = (value: unknown, name: string): string | undefined => {
  const members =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const member = members[name];
  return typeof member === 'string' ? member : undefined;
};

/** The limit that denied a call, as it was then: atomic units, or numbers of calls. */
export type DeniedLimit = {
  readonly [name in 'limit' | 'spent' | 'held' | 'remaining']: bigint;
} & { readonly unit: 'calls' | 'money' };

/** Undefined if the rule has no limit. */
export const deniedLimit = ({ rule = '', outcome = {} }: DenialEntry): DeniedLimit | undefined => {
  const figures = ['limit', 'spent', 'held', 'remaining'].map((name) => {
    const text = stringMember(outcome['limit'], name);
    return text === undefined || !DIGITS.test(text) ? undefined : BigInt(text);
  });
  const [limit, spent, held, remaining] = figures;
  if (limit === undefined || spent === undefined) return undefined;
  if (held === undefined || remaining === undefined) return undefined;
  return { limit, spent, held, remaining, unit: countsCalls(rule) ? 'calls' : 'money' };
};

/** The parameter that caused a denial, and the account whose limit it was. */
const detailsOf = ({ outcome = {}, account }: DenialEntry): readonly string[] => {
  const by = stringMember(outcome, 'account');
  const param = stringMember(outcome, 'param');
  return [
    ...(param === undefined ? [] : [`because of ${param}`]),
    ...(by === undefined || by === account ? [] : [`a limit of ${shortened(addressIn(by))}`]),
  ];
};

const nameOfRule = ({ rule = '', outcome = {} }: DenialEntry): string =>
  ruleName(stringMember(outcome['limit'], 'rule') ?? rule);

/** Which rule denied a call: "per day, by its owner; a limit of 0x06a3…3377". */
export const deniedRule = (entry: DenialEntry): string =>
  [nameOfRule(entry), ...detailsOf(entry)].join('; ');

/**
 * Why a call was denied, with the amounts that decided: "per day, by its owner; 0.01 of 0.02 USDC left". Undefined if the entry
 * records no denial.
 */
export const denialText = (entry: DenialEntry): string | undefined => {
  const { type, rule, payment, count = 1 } = entry;
  if (type !== 'call.denied' || rule === undefined) return undefined;
  const state = deniedLimit(entry);
  const figure = (value: bigint): string =>
    state?.unit === 'calls' ? value.toString() : decimalOf(value);
  return [
    nameOfRule(entry),
    ...(state === undefined
      ? []
      : [
          `${figure(state.remaining)} of ${figure(state.limit)} ${state.unit === 'calls' ? 'calls' : symbolOf(assetIn(payment))} left`,
        ]),
    ...detailsOf(entry),
    ...(count === 1 ? [] : [`${count} times`]),
  ].join('; ');
};
