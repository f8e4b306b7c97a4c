import type { GrantFaults, GrantForm, GrantField } from '../../data/grants/grant-form.ts';
import { USD } from '../../../protocol/fiat-asset.ts';
import { symbolOf } from '../../format/amount.ts';
import { Field } from '../../parts/field.tsx';
import './budget-form.css';

type Row = {
  readonly row: GrantField;
  readonly label: string;
  readonly hint: string;
  readonly placeholder?: string;
  readonly isMoney?: boolean;
};

const ROWS: readonly Row[] = [
  {
    row: 'total',
    label: 'In total',
    isMoney: true,
    hint: 'The most that the agent may ever spend. If empty, the amount per day for each day of the grant.',
  },
  { row: 'perDay', label: 'Per day', isMoney: true, hint: 'Resets at midnight UTC.' },
  {
    row: 'perCall',
    label: 'Per call',
    isMoney: true,
    hint: 'If empty, the lower of the total and the amount per day.',
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
    label: 'Delegation depth',
    hint: '0 to 3. With 0, the agent cannot grant budgets to other agents.',
  },
];

const CARD_HINT =
  'For tools that charge a card. Calls also need a policy of the operator that allows dollars to you or to the agent.';

/** The terms of a grant. They cannot change after the wallet has signed; only a new grant can replace them. */
export const GrantFields = ({
  form,
  faults,
  sellsForDollars,
  onChange,
}: {
  readonly form: GrantForm;
  readonly faults: GrantFaults;
  readonly sellsForDollars: boolean;
  readonly onChange: (row: GrantField, text: string) => void;
}) => (
  <fieldset>
    <legend>What you sign</legend>
    {sellsForDollars || form.asset === USD ? (
      <Field
        label="Money"
        hint={
          form.asset === USD ? CARD_HINT : 'Your credit, or the agent’s own wallet, pays in USDC.'
        }
        error={faults.asset}
        control={(described) => (
          <select
            {...described}
            value={form.asset}
            onChange={(event) => onChange('asset', event.currentTarget.value)}
          >
            <option value="token">USDC</option>
            <option value={USD}>Dollars on the operator’s card</option>
          </select>
        )}
      />
    ) : null}
    {ROWS.map(({ row, label, hint, placeholder, isMoney }) => (
      <Field
        key={row}
        label={isMoney === true ? `${label} (${symbolOf(form.asset)})` : label}
        hint={hint}
        error={faults[row]}
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
