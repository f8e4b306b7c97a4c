import { countsCalls } from '../../../protocol/account/denial.ts';
import type { Entry } from '../../../protocol/entry.ts';
import { ruleName } from '../../../policy/rule-name.ts';
import { Amount } from '../../parts/amount.tsx';
import { BudgetBar } from '../../parts/budget-bar.tsx';
import { ATOMIC, membersOf, textOf } from './entry-values.tsx';

/** The amount by which a denied call exceeds the remaining limit. */
export const excessOf = ({ type, amounts = {}, outcome }: Entry, asset: string) => {
  const limit = membersOf(outcome?.['limit']);
  const rule = textOf(limit?.['rule']) ?? '';
  const [price, left] = [textOf(amounts['price']), textOf(limit?.['remaining'])];
  if (type !== 'call.denied' || price === undefined || left === undefined) return undefined;
  if (countsCalls(rule) || !ATOMIC.test(price) || !ATOMIC.test(left)) return undefined;
  const excess = BigInt(price) - BigInt(left);
  return excess > 0n ? <Amount atomic={excess} asset={asset} /> : undefined;
};

/** The limit that denied a call, as it was at that moment, and how much the call was above it. */
export const DeniedLimit = ({
  entry,
  asset,
}: {
  readonly entry: Entry;
  readonly asset: string;
}) => {
  const limit = membersOf(entry.outcome?.['limit']);
  const [whole, spent, held] = ['limit', 'spent', 'held'].map((name) => textOf(limit?.[name]));
  if (limit === undefined || whole === undefined || !ATOMIC.test(whole)) return null;
  const left = textOf(limit['remaining']) ?? '0';
  const rule = (textOf(limit['rule']) ?? entry.rule ?? '').replace(/^[a-z]+:/, '');
  // Nothing is ever spent of a limit for one call: a bar would be empty.
  if (rule === 'per_call') return null;
  const resets = limit['resetsAt'];
  return (
    <BudgetBar
      name={ruleName(textOf(limit['rule']) ?? entry.rule ?? '')}
      asset={asset}
      limit={{
        ...{ rule, limit: whole, spent: spent ?? '0', held: held ?? '0', remaining: left },
        ...(typeof resets === 'number' ? { resets_at: resets } : {}),
      }}
    />
  );
};
