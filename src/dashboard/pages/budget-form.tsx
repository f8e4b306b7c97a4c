import type { FormFaults, FormRow, PolicyForm } from '../data/policy-form.ts';
import { Field } from '../parts/field.tsx';
import './budget-form.css';

type Row = {
  readonly row: FormRow;
  readonly label: string;
  readonly hint: string;
  /** What an empty row means. */
  readonly empty: string;
  readonly inputMode: 'decimal' | 'numeric' | 'text';
};
type Group = { readonly title: string; readonly rows: readonly Row[] };

const dollars = (row: FormRow, label: string, hint: string): Row => ({
  ...{ row, label: `${label} (USDC)`, hint, empty: 'no limit', inputMode: 'decimal' },
});

/** What most policies limit. Every other field of docs/policy.md is in the text below. */
const GROUPS: readonly Group[] = [
  {
    title: 'Money',
    rows: [
      dollars('perCall', 'Per call', 'A call above this price is denied.'),
      dollars('hour', 'Per hour', 'Resets every full hour.'),
      dollars('day', 'Per day', 'Resets at midnight UTC.'),
      dollars('month', 'Per month', 'Resets on the first of the month, UTC.'),
      dollars('lifetime', 'In total', 'Never resets.'),
      dollars(
        'approveAbove',
        'Needs approval above',
        'A call above this price waits until a person approves it.',
      ),
    ],
  },
  {
    title: 'How often',
    rows: [
      {
        ...{ row: 'rateLimit', label: 'Number of calls', empty: 'no limit', inputMode: 'numeric' },
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

const REST_HINT =
  'Fields of the policy document as JSON: windows of other lengths, exposure, repeat, assets, softPercent, maxValidity, binding, validFrom, validUntil, deny, require.';

/** The rows of a policy. An empty row sets no limit. */
export const BudgetForm = ({
  form,
  faults,
  onChange,
}: {
  readonly form: PolicyForm;
  readonly faults: FormFaults;
  readonly onChange: (row: FormRow, text: string) => void;
}) => (
  <div class="budget-form">
    {GROUPS.map(({ title, rows }) => (
      <fieldset key={title}>
        <legend>{title}</legend>
        {rows.map(({ row, label, hint, empty, inputMode }) => (
          <Field
            key={row}
            label={label}
            hint={hint}
            error={faults[row]}
            control={(described) => (
              <input
                {...described}
                value={form[row]}
                inputMode={inputMode}
                placeholder={empty}
                autocomplete="off"
                spellcheck={false}
                onInput={(event) => onChange(row, event.currentTarget.value)}
              />
            )}
          />
        ))}
      </fieldset>
    ))}
    <details open={form.rest !== '' || faults.rest !== undefined}>
      <summary>All other rules</summary>
      <Field
        label="Other rules (JSON)"
        hint={REST_HINT}
        error={faults.rest}
        control={(described) => (
          <textarea
            {...described}
            rows={form.rest === '' ? 3 : Math.min(16, form.rest.split('\n').length + 1)}
            value={form.rest}
            spellcheck={false}
            onInput={(event) => onChange('rest', event.currentTarget.value)}
          />
        )}
      />
    </details>
  </div>
);
