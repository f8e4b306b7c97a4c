import type { Policy } from '../../../policy/policy.ts';
import { USD } from '../../../protocol/fiat-asset.ts';
import { type BindingLimit, tighterLimit } from '../../data/policies/binding-limits.ts';
import type { MoneyRow } from '../../data/policies/policy-rows.ts';
import { decimalOf } from '../../format/amount.ts';

const NAMES: Readonly<Record<MoneyRow, string>> = {
  ...{ perCall: 'Per call', hour: 'Per hour', day: 'Per day', month: 'Per month' },
  ...{ usdHour: 'In dollars per hour', usdDay: 'In dollars per day' },
  ...{ usdMonth: 'In dollars per month', lifetime: 'In total', approveAbove: 'Approval' },
};

const DOLLARS: Readonly<Partial<Record<MoneyRow, string>>> = {
  ...{ usdHour: 'hour', usdDay: 'day', usdMonth: 'month' },
};

const amountIn = ({ windows, ...policy }: Policy, row: MoneyRow): bigint | undefined => {
  if (row === 'perCall' || row === 'lifetime') return policy[row];
  const [length, of] = row in DOLLARS ? [DOLLARS[row], USD] : [row, undefined];
  return windows.find(({ every, asset }) => every === length && asset === of)?.limit;
};

/** The limits of a new policy that have no effect, because another limit is lower, and the change that would raise that other limit. */
export const StillBinding = ({
  limits,
  policy,
}: {
  readonly limits: readonly BindingLimit[];
  readonly policy: Policy;
}) => {
  const rows = Object.keys(NAMES) as MoneyRow[];
  const tighter = rows.flatMap((row) => tighterLimit(limits, row, amountIn(policy, row)) ?? []);
  if (tighter.length === 0) return null;
  return (
    <ul>
      {tighter.map(({ row, amount, by, raisedBy }) => (
        <li key={row} class="lost">
          {NAMES[row]} stays limited to ${decimalOf(amount)} by {by}. More needs {raisedBy}.
        </li>
      ))}
    </ul>
  );
};
