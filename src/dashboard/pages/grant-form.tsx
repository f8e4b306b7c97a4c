import type { GrantFaults, GrantForm as Form, GrantRow } from '../data/grant-form.ts';
import { Field } from '../parts/field.tsx';
import './budget-form.css';

type Row = {
  readonly row: GrantRow;
  readonly label: string;
  readonly hint: string;
  readonly placeholder?: string;
};

const ROWS: readonly Row[] = [
  {
    row: 'total',
    label: 'In total (USDC)',
    hint: 'The most that the agent may ever spend. Required unless you set an amount per day.',
  },
  { row: 'perDay', label: 'Per day (USDC)', hint: 'Resets at midnight UTC.' },
  {
    row: 'perCall',
    label: 'Per call (USDC)',
    hint: 'If empty, the lower of the two amounts above.',
  },
  {
    row: 'days',
    label: 'Valid for (days)',
    hint: 'After that, the agent can no longer spend from it.',
  },
  {
    row: 'tools',
    label: 'Tools',
    hint: 'Names, separated by commas. search.* stands for all tools that begin with “search.”.',
    placeholder: 'every tool',
  },
  {
    row: 'payees',
    label: 'Payees',
    hint: 'Addresses, separated by commas.',
    placeholder: 'every payee',
  },
  {
    row: 'depth',
    label: 'Levels of agents below it',
    hint: '0 to 3. With 0, the agent cannot grant budgets to other agents.',
  },
];

/** The terms of a grant. Nothing changes them once the wallet has signed: a new grant replaces it. */
export const GrantForm = ({
  form,
  faults,
  onChange,
}: {
  readonly form: Form;
  readonly faults: GrantFaults;
  readonly onChange: (row: GrantRow, text: string) => void;
}) => (
  <fieldset>
    <legend>What you sign</legend>
    {ROWS.map(({ row, label, hint, placeholder }) => (
      <Field
        key={row}
        label={label}
        hint={hint}
        error={form[row] === '' ? undefined : faults[row]}
        control={(described) => (
          <input
            {...described}
            value={form[row]}
            placeholder={placeholder}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => onChange(row, event.currentTarget.value)}
          />
        )}
      />
    ))}
  </fieldset>
);
