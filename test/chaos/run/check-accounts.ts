import { type BookedCall, verifyBook } from '../support/account-records.ts';
import { type Aftermath, type ByNonce, type Case, sum, takesPayment } from './final-state.ts';
import type { Moved } from './chain-record.ts';

const TOP_UP = 'countersign.credits';

/** Law 5: calls and payments that have not ended. */
export const unresolvedOf = ({ payer, book }: Case, wrongs: string[]): readonly BookedCall[] => {
  const open = book.calls.filter(
    (call) => call.state === 'held' || (takesPayment(call) && call.payment === undefined),
  );
  for (const { call, state } of open)
    wrongs.push(`${payer.name}: ${call} has not ended (${state})`);
  const { deferredHeld, upfrontHeld, creditHeld, unsettled } = book.purse;
  if (open.length === 0 && deferredHeld + upfrontHeld + creditHeld + unsettled !== 0n)
    wrongs.push(`${payer.name}: money is held for nothing`);
  return open;
};

/** Law 11: every entry is in D1, each follows the one before, and every signature in it can be recomputed. */
export const judgeLog = async ({ payer, key, book }: Case, wrongs: string[]): Promise<void> => {
  const { entries, head, exported } = book;
  if (entries.at(-1)?.seq !== head.seq || entries.length !== head.seq || exported !== head.seq)
    wrongs.push(
      `${payer.name}: ${entries.length} entries in D1, ${exported} of ${head.seq} acknowledged`,
    );
  const verified = await verifyBook(key.id, book);
  if (!verified.ok)
    wrongs.push(`${payer.name}: its log is broken at ${JSON.stringify(verified.error)}`);
};

/** Law 5: a payment is settled where its own authorization moved its price, and nowhere else; what came in is spent, or credit. */
export const judgeMoney = ({ payer, key, book }: Case, moved: ByNonce, wrongs: string[]): void => {
  const say = (what: string): void => void wrongs.push(`${payer.name} ${key.address}: ${what}`);
  for (const { call, payment, price } of book.calls.filter(takesPayment)) {
    const [own] = moved.get(call) ?? [];
    const hasMoved = own?.from === key.address && own.value === price;
    if (payment === 'settled' && !hasMoved)
      say(`${call} is settled, but the chain has no transfer for it`);
    if (payment !== 'settled' && hasMoved) say(`${call} moved on the chain, but is ${payment}`);
  }
  // Every authorization of a run lasts longer than all its troubles together.
  for (const { call, price } of book.calls.filter(({ fault }) => fault === 'gateway'))
    say(`${call} was not presented in time: the gateway lost ${price}`);
  const settled = book.calls.filter(({ payment }) => payment === 'settled');
  const income = sum(settled.map(({ price }) => price));
  const spent = book.calls
    .filter(
      ({ tool, payment, fault }) =>
        tool !== TOP_UP && !(payment === 'failed' && fault === 'gateway'),
    )
    .map(({ charged }) => charged);
  if (sum(spent) + book.purse.credit !== income)
    say(`the income is ${income}, but ${sum(spent)} is spent and ${book.purse.credit} remains`);
  const isOurs = book.calls.some(({ fault }) => fault === 'gateway');
  if (!isOurs && book.purse.settled !== income)
    say(`${income} is settled, but the account counts ${book.purse.settled}`);
  const owes = book.purse.credit < 0n || book.calls.some(({ fault }) => fault === 'payer');
  if (payer.trick === undefined && owes) say(`is honest, but owes ${-book.purse.credit}`);
};

/** Money that belongs to no accepted call: only hostile payers send it, and never a backend of ours. */
export const judgeUnsolicited = (
  unsolicited: readonly Moved[],
  { payers, purchases }: Aftermath,
  wrongs: string[],
): void => {
  const honest = new Set(
    payers
      .filter(({ trick }) => trick === undefined)
      .flatMap(({ keys }) => keys.map(({ address }) => address)),
  );
  const signed = new Map(
    purchases.flatMap((one) => one.nonces.map((nonce) => [nonce, one.number])),
  );
  for (const { from, nonce, value, byBackend, transaction } of unsolicited) {
    if (!byBackend && !honest.has(from)) continue;
    const which = nonce === undefined ? 'none' : signed.get(nonce);
    wrongs.push(
      `${value} of ${from} moved in ${transaction} for purchase ${which}, which no book has`,
    );
  }
};
