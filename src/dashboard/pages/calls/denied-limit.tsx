import { deniedLimit } from '../../../audit/denied-limit.ts';
import type { Facts } from '../../../protocol/log/facts.ts';
import { ruleName } from '../../../policy/rule-name.ts';
import { Amount } from '../../parts/amount.tsx';
import { BudgetBar } from '../../parts/budget-bar.tsx';
import { ATOMIC } from './entry-values.tsx';

type Denial = Facts<'call.denied'>;

/** The amount by which a denied call exceeds the remaining limit. */
export const excessOf = (entry: Denial, asset: string) => {
  const { price = '' } = entry.amounts;
  const { unit, remaining } = deniedLimit(entry) ?? {};
  if (remaining === undefined || unit === 'calls' || !ATOMIC.test(price)) return undefined;
  const excess = BigInt(price) - remaining;
  return excess > 0n ? <Amount atomic={excess} asset={asset} /> : undefined;
};

/** The limit that denied a call, as it was at that moment, and how much the call was above it. */
export const DeniedLimit = ({
  entry,
  asset,
}: {
  readonly entry: Denial;
  readonly asset: string;
}) => {
  const denied = deniedLimit(entry);
  if (denied?.limit === undefined) return null;
  const { rule: name, limit, spent = 0n, held = 0n, remaining = 0n, resetsAt } = denied;
  const rule = name.replace(/^[a-z]+:/, '');
  // Nothing is ever spent of a limit for one call: a bar would be empty.
  if (rule === 'per_call') return null;
  return (
    <BudgetBar
      name={ruleName(name)}
      asset={asset}
      limit={{
        ...{ rule, limit: limit.toString(), spent: spent.toString(), held: held.toString() },
        ...{ remaining: remaining.toString() },
        ...(resetsAt === undefined ? {} : { resets_at: resetsAt }),
      }}
    />
  );
};
