import type { AssetId } from '../../../protocol/account-id.ts';
import { max } from '../../../protocol/amount.ts';
import type { Entry } from '../../../protocol/entry.ts';
import { type Purse, purseOf, type ReplayedAccount, withPurse } from './account.ts';
import { amountOf, textOf } from './members.ts';
import type { Step, StepFault } from './step.ts';

/** Applies an entry about credit (docs/audit-format.md, "How a call moves money"). */
export const applyCredit = (account: ReplayedAccount, entry: Entry): Step => {
  const { amounts = {}, payment = {} } = entry;
  const type: string = entry.type;
  const asset = textOf(payment['asset']) as AssetId | undefined;
  const amount = amountOf(amounts['amount']);
  if (asset === undefined || amount === undefined) return { account, faults: [MALFORMED] };
  const change = (by: (purse: Purse) => Partial<Purse>): ReplayedAccount =>
    withPurse(account, asset, by);
  switch (type) {
    case 'credit.received':
      return received(account, entry, asset, amount);
    case 'credit.adjusted': {
      const isAdded = entry.decision === 'added';
      if (!isAdded && entry.decision !== 'taken') return { account, faults: [MALFORMED] };
      const next = change(({ credit }) => ({
        credit: isAdded ? credit + amount : credit - amount,
      }));
      const isRight = payment['credit'] === purseOf(next, asset).credit.toString();
      return { account: next, faults: isRight ? [] : [wrong('payment.credit')] };
    }
    case 'credit.refunded':
      return {
        account: change(({ credit, settled }) => ({
          credit: credit - amount,
          settled: max(0n, settled - amount),
        })),
        faults: [],
      };
    case 'credit.lent':
      return { account: change(({ credit }) => ({ credit: credit - amount })), faults: [] };
    default:
      return { account, faults: [MALFORMED] };
  }
};

const MALFORMED: StepFault = { check: 'payments', reason: 'malformed', field: 'amounts' };

const wrong = (field: string): StepFault => ({ check: 'payments', reason: 'wrong_credit', field });

/** Totals of one sender only grow, so each amount arrives once. */
const received = (
  account: ReplayedAccount,
  { amounts, payment }: Entry,
  asset: AssetId,
  amount: bigint,
): Step => {
  const key = `${textOf(payment?.['from']) ?? ''} ${asset}`;
  const total = (account.received[key] ?? 0n) + amount;
  const next = withPurse(account, asset, ({ credit }) => ({ credit: credit + amount }));
  return {
    account: { ...next, received: { ...account.received, [key]: total } },
    faults: amounts?.['total'] === total.toString() ? [] : [wrong('amounts.total')],
  };
};
