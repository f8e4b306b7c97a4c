import type { EntryEvent } from '../../client/management-events.ts';
import { dollars } from '../lib/amounts.ts';

/** What the end of a call did with its money. `price`: of the call, where the command saw it begin. */
export const endOfMoney = (
  { amounts = {}, payment = {} }: EntryEvent,
  price: string | undefined,
): string => {
  if (payment['kept'] === true) return 'its price stays reserved until the operator resolves it';
  const { charged = '0' } = amounts;
  if (charged !== '0') return `charged ${dollars(charged)}`;
  if (payment['state'] !== 'settled' || payment['paidBy'] !== 'upfront') return 'nothing charged';
  return price === undefined
    ? 'its payment had moved and is credit now'
    : `${dollars(price)} had moved and is credit now`;
};

/** Why the alarm ended a call: the tool gave no answer, or the tool never ran because the call did not come again. */
export const abandonedText = ({ outcome = {} }: EntryEvent): string =>
  outcome['reason'] === 'never_repeated'
    ? 'it settled and did not run: nobody sent it again'
    : 'no answer came in time';

/** Credit that came or went by no call. */
export const creditText = ({ type, decision, amounts = {} }: EntryEvent): string => {
  const amount = amounts['amount'] === undefined ? '' : `${dollars(amounts['amount'])} of `;
  if (type === 'credit.received') return `${amount}credit received`;
  if (type === 'credit.refunded') return `${amount}credit paid back on chain`;
  return `${amount}credit ${decision === 'added' ? 'given' : 'taken'} by the operator`;
};
