import { parseMoneyOption } from '../../../protocol/amount.ts';
import { type BindingLimit, tighterLimit } from '../../data/policies/binding-limits.ts';
import type { FormRow } from '../../data/policies/policy-form.ts';
import type { MoneyRow } from '../../data/policies/policy-rows.ts';
import { decimalOf } from '../../format/amount.ts';

/** The other limits of a row of a budget. If one is below the typed amount, the text says that the larger amount changes nothing. */
export const AlsoBinds = ({
  row,
  text,
  limits,
}: {
  readonly row: FormRow;
  /** As typed. */
  readonly text: string;
  readonly limits: readonly BindingLimit[];
}) => {
  const others = limits.filter((limit) => limit.row === row);
  if (others.length === 0) return null;
  const tighter = tighterLimit(others, row as MoneyRow, parseMoneyOption(text.trim()));
  return tighter === undefined ? (
    <span class="also-binds">
      Also limited to{' '}
      {others.map(({ amount, by }) => `$${decimalOf(amount)} by ${by}`).join(' and to ')}.
    </span>
  ) : (
    <strong class="also-binds">
      Still limited to ${decimalOf(tighter.amount)} by {tighter.by}. More needs {tighter.raisedBy}.
    </strong>
  );
};
