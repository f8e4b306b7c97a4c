import type { FormRow, PolicyForm } from '../../data/policies/policy-form.ts';

export type BudgetRow = {
  readonly row: Exclude<FormRow, 'dollars' | 'rest'>;
  readonly label: string;
  readonly hint: string;
  /** The meaning of an empty row. */
  readonly empty: string;
  readonly inputMode: 'decimal' | 'numeric' | 'text';
};
export type BudgetGroup = { readonly title: string; readonly rows: readonly BudgetRow[] };

const money = (row: BudgetRow['row'], label: string, hint: string): BudgetRow => ({
  ...{ row, label, hint, empty: 'not set', inputMode: 'decimal' },
});

const moneyRows = (unit: string): readonly BudgetRow[] => [
  money('perCall', `Per call (${unit})`, 'A call above this price is denied.'),
  money('hour', `Per hour (${unit})`, 'Resets every full hour.'),
  money('day', `Per day (${unit})`, 'Resets at midnight UTC.'),
  money('month', `Per month (${unit})`, 'Resets on the first of the month, UTC.'),
  money('lifetime', `In total (${unit})`, 'Never resets.'),
  money(
    'approveAbove',
    `Needs approval above (${unit})`,
    'A call above this price waits until a person approves it.',
  ),
];

/** Limits of calls that the operator's card pays: they count no token. */
export const DOLLAR_ROWS: readonly BudgetRow[] = [
  money('usdHour', 'Per hour (USD)', 'Resets every full hour.'),
  money('usdDay', 'Per day (USD)', 'Resets at midnight UTC.'),
  money('usdMonth', 'Per month (USD)', 'Resets on the first of the month, UTC.'),
];

const OTHERS: readonly BudgetGroup[] = [
  {
    title: 'How often',
    rows: [
      {
        ...{ row: 'rateLimit', label: 'Number of calls', empty: 'not set', inputMode: 'numeric' },
        hint: 'At most this many calls in the period that you set next.',
      },
      {
        ...{ row: 'rateSeconds', label: 'Period in seconds', empty: '', inputMode: 'numeric' },
        hint: '60 for a minute, 3600 for an hour.',
      },
    ],
  },
  {
    title: 'Tools and payees',
    rows: [
      {
        ...{ row: 'tools', label: 'Tools', empty: 'every tool', inputMode: 'text' },
        hint: 'Names, separated by commas. search.* stands for all tools that begin with “search.”.',
      },
      {
        ...{ row: 'payees', label: 'Payees', empty: 'every payee', inputMode: 'text' },
        hint: 'Addresses, separated by commas.',
      },
    ],
  },
];

/** The limits that most policies set, without those of `DOLLAR_ROWS`. */
export const groupsOf = (hasDollars: boolean): readonly BudgetGroup[] => [
  hasDollars
    ? {
        title: 'Money: each limit counts USDC and dollars on the operator’s card separately',
        rows: moneyRows('$'),
      }
    : { title: 'Money', rows: moneyRows('USDC') },
  ...OTHERS,
];

/** Whether a policy has a rule about dollars on the operator's card. */
export const namesDollars = (form: PolicyForm): boolean =>
  [form.dollars, ...DOLLAR_ROWS.map(({ row }) => form[row])].some((text) => text !== '');
