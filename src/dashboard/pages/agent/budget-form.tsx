import type { BindingLimit } from '../../data/policies/binding-limits.ts';
import {
  ALLOWED,
  type FormFaults,
  type FormRow,
  type PolicyForm,
  REST_FIELDS,
} from '../../data/policies/policy-form.ts';
import type { Role } from '../../data/session/scope.ts';
import { AlsoBinds } from './also-binds.tsx';
import { Field } from '../../parts/field.tsx';
import { type BudgetRow, DOLLAR_ROWS, groupsOf, namesDollars } from './budget-rows.ts';
import './budget-form.css';

const REST_HINT = `Fields of the policy document as JSON: ${REST_FIELDS.map((field) =>
  field === 'windows' ? 'windows of other lengths' : field,
).join(', ')}.`;

type FormProps = {
  readonly form: PolicyForm;
  readonly faults: FormFaults;
  /** The other limits of each row. */
  readonly limits: readonly BindingLimit[];
  readonly onChange: (row: FormRow, text: string) => void;
};

const Rows = ({
  rows,
  form,
  faults,
  limits,
  onChange,
}: FormProps & { readonly rows: readonly BudgetRow[] }) =>
  rows.map(({ row, label, hint, empty, inputMode }) => (
    <Field
      key={row}
      label={label}
      hint={
        <>
          {hint} <AlsoBinds row={row} text={form[row]} limits={limits} />
        </>
      }
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
  ));

const CARD_HINT: Readonly<Record<Role, string>> = {
  operator:
    'With “allowed”, calls of the account and of the agents below it may charge your card. Set a limit too: without one, nothing limits the amount.',
  owner: 'Your policy alone allows no dollars: a policy of the operator must allow them too.',
};

/** Whether tools that charge the operator's card may be called, and their limits. */
const Dollars = (props: FormProps & { readonly role: Role }) => {
  const { form, faults, role, onChange } = props;
  return (
    <fieldset>
      <legend>Dollars on the operator’s card</legend>
      {role === 'operator' || form.dollars !== '' ? (
        <Field
          label="Calls that charge the card"
          hint={CARD_HINT[role]}
          error={faults.dollars}
          control={(described) => (
            <select
              {...described}
              value={form.dollars}
              onChange={(event) => onChange('dollars', event.currentTarget.value)}
            >
              <option value="">not allowed by this policy</option>
              <option value={ALLOWED}>allowed</option>
            </select>
          )}
        />
      ) : null}
      <Rows {...props} rows={DOLLAR_ROWS} />
    </fieldset>
  );
};

/** The rows of a policy. An empty row sets no limit. */
export const BudgetForm = ({
  role,
  sellsForDollars,
  ...props
}: FormProps & {
  /** The role whose policy it is. */
  readonly role: Role;
  readonly sellsForDollars: boolean;
}) => {
  const { form, faults, onChange } = props;
  const hasDollars = sellsForDollars || namesDollars(form);
  const [money, ...others] = groupsOf(hasDollars).map(({ title, rows }) => (
    <fieldset key={title}>
      <legend>{title}</legend>
      <Rows {...props} rows={rows} />
    </fieldset>
  ));
  return (
    <div class="budget-form">
      {money}
      {hasDollars ? <Dollars {...props} role={role} /> : null}
      {others}
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
};
