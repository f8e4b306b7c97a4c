import { deniedLimit } from '../../audit/denied-limit.ts';
import type { EntryEvent } from '../../client/management-events.ts';
import type { Entry } from '../../protocol/entry.ts';
import { type Facts, factsOf } from '../../protocol/log/facts.ts';
import { decimalOf, symbolOf } from './amount.ts';
import { ruleName } from '../../policy/rule-name.ts';
import { addressIn, shortened } from './text.ts';

/** The asset that an entry names; empty if it names none. */
export const assetIn = (entry: EntryEvent | Entry): string => {
  const { payment } = factsOf(entry);
  return 'asset' in payment ? (payment.asset ?? '') : '';
};

type DeniedFacts = Pick<Facts<'call.denied'>, 'rule' | 'outcome' | 'account' | 'count' | 'payment'>;

/** The parameter that caused a denial, and the account whose limit it was. */
const detailsOf = ({ outcome, account }: DeniedFacts): readonly string[] => [
  ...(outcome.param === undefined ? [] : [`because of ${outcome.param}`]),
  ...(outcome.account === undefined || outcome.account === account
    ? []
    : [`a limit of ${shortened(addressIn(outcome.account))}`]),
];

const nameOfRule = ({ rule = '', outcome }: DeniedFacts): string =>
  ruleName(outcome.limit?.rule ?? rule);

/** Which rule denied a call: "per day, by its owner; a limit of 0x06a3…3377". */
export const deniedRule = (entry: DeniedFacts): string =>
  [nameOfRule(entry), ...detailsOf(entry)].join('; ');

/**
 * Why a call was denied, with the amounts that decided: "per day, by its owner; 0.01 of 0.02 USDC left".
 */
export const denialText = (entry: DeniedFacts): string => {
  const { count = 1 } = entry;
  const { unit, limit, remaining } = deniedLimit(entry) ?? {};
  const figure = (value: bigint): string =>
    unit === 'calls' ? value.toString() : decimalOf(value);
  return [
    nameOfRule(entry),
    ...(limit === undefined || remaining === undefined
      ? []
      : [
          `${figure(remaining)} of ${figure(limit)} ${unit === 'calls' ? 'calls' : symbolOf(entry.payment.asset ?? '')} left`,
        ]),
    ...detailsOf(entry),
    ...(count === 1 ? [] : [`${count} times`]),
  ].join('; ');
};
