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
    hint: 'The most it may ever spend. Needed, unless you give an amount per day.',
  },
  { row: 'perDay', label: 'Per day (USDC)', hint: 'Starts anew at midnight UTC.' },
  { row: 'perCall', label: 'One call, at most (USDC)', hint: 'Empty: the lower of the two.' },
  { row: 'days', label: 'Valid for days', hint: 'After that it pays for nothing.' },
  {
    row: 'tools',
    label: 'Tools',
    hint: 'Names with commas between; search.* for all that begin with “search.”.',
    placeholder: 'every tool',
  },
  {
    row: 'payees',
    label: 'Who may be paid',
    hint: 'Addresses with commas between.',
    placeholder: 'everybody',
  },
  {
    row: 'depth',
    label: 'May grant on',
    hint: 'Levels of agents below it, 0 to 3. 0: it may not.',
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
