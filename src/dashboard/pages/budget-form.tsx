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
      dollars('perCall', 'One call, at most', 'A dearer call is refused.'),
      dollars('hour', 'Per hour', 'Starts anew at each full hour.'),
      dollars('day', 'Per day', 'Starts anew at midnight UTC.'),
      dollars('month', 'Per month', 'Starts anew on the first, UTC.'),
      dollars('lifetime', 'In total', 'Never starts anew.'),
      dollars('approveAbove', 'A person decides above', 'A dearer call waits for an approval.'),
    ],
  },
  {
    title: 'How often',
    rows: [
      {
        ...{ row: 'rateLimit', label: 'Number of calls', empty: 'no limit', inputMode: 'numeric' },
        hint: 'At most this many in the time beside.',
      },
      {
        ...{ row: 'rateSeconds', label: 'In how many seconds', empty: '', inputMode: 'numeric' },
        hint: '60 for a minute, 3600 for an hour.',
      },
    ],
  },
  {
    title: 'What for',
    rows: [
      {
        ...{ row: 'tools', label: 'Tools', empty: 'every tool', inputMode: 'text' },
        hint: 'Names with commas between; search.* for all that begin with “search.”.',
      },
      {
        ...{ row: 'payees', label: 'Who may be paid', empty: 'everybody', inputMode: 'text' },
        hint: 'Addresses with commas between.',
      },
    ],
  },
];

const REST_HINT =
  'As JSON: windows of other lengths, exposure, repeat, assets, softPercent, maxValidity, binding, validFrom, validUntil, deny, require.';

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
