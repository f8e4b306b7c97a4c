import type { PolicyDocument } from '../../../management/policy.route.ts';
import { formatDollars, parseMoneyOption } from '../../../protocol/amount.ts';
import { USD } from '../../../protocol/fiat-asset.ts';

/** Rows that hold an amount in dollars. */
export const MONEY_FIELDS = ['perCall', 'lifetime', 'approveAbove'] as const;
type MoneyField = (typeof MONEY_FIELDS)[number];

/** Windows with a row. Those without an asset count each asset by itself. */
const WINDOWS = [
  { row: 'hour', every: 'hour', asset: undefined },
  { row: 'day', every: 'day', asset: undefined },
  { row: 'month', every: 'month', asset: undefined },
  { row: 'usdHour', every: 'hour', asset: USD },
  { row: 'usdDay', every: 'day', asset: USD },
  { row: 'usdMonth', every: 'month', asset: USD },
] as const;
type WindowRow = (typeof WINDOWS)[number]['row'];
type Window = NonNullable<PolicyDocument['windows']>[number];

export type MoneyRow = MoneyField | WindowRow;

/** Why a text is not an amount. */
export const AMOUNT = 'must be dollars, like 1.25, with at most six decimals';

/** An amount of a document as a person types it: `1.25`. */
export const dollarsOf = (amount: string | undefined): string => {
  const atomic = amount === undefined ? undefined : parseMoneyOption(amount);
  return atomic === undefined ? (amount ?? '') : formatDollars(atomic).slice(1);
};

const rowOf = ({ every, asset }: Window): WindowRow | undefined =>
  WINDOWS.find((each) => each.every === every && each.asset === asset)?.row;

/** The windows of a document: a text for each row, and those that have no row. */
export const windowRowsOf = (
  windows: readonly Window[],
): { readonly rows: Readonly<Record<WindowRow, string>>; readonly others: readonly Window[] } => {
  const limitOf = (row: WindowRow): string =>
    dollarsOf(windows.find((each) => rowOf(each) === row)?.limit);
  return {
    rows: Object.fromEntries(WINDOWS.map(({ row }) => [row, limitOf(row)])) as Record<
      WindowRow,
      string
    >,
    others: windows.filter((each) => rowOf(each) === undefined),
  };
};

/** The amounts of a form in the format of a document. Records a fault for each text that is not an amount. */
export const amountsOf = (
  form: Readonly<Record<MoneyRow, string>>,
  note: (row: MoneyRow, reason: string) => void,
) => {
  const read = (row: MoneyRow): string | undefined => {
    const text = form[row].trim();
    if (text === '') return undefined;
    const amount = parseMoneyOption(text);
    if (amount === undefined) note(row, AMOUNT);
    return amount === undefined ? undefined : formatDollars(amount);
  };
  const fields = MONEY_FIELDS.flatMap((row) => {
    const amount = read(row);
    return amount === undefined ? [] : [[row, amount] as const];
  });
  const windows = WINDOWS.flatMap(({ row, every, asset }) => {
    const limit = read(row);
    if (limit === undefined) return [];
    return [asset === undefined ? { every, limit } : { every, limit, asset }];
  });
  return { fields: Object.fromEntries(fields), windows };
};
