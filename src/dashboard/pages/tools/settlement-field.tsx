import type { ToolDocument } from '../../../management/tool.route.ts';
import { Field } from '../../parts/field.tsx';

const EFFECTS: Readonly<Record<ToolDocument['settlement'], string>> = {
  deferred: 'after the tool has run (cheap, fast calls)',
  upfront: 'before the tool runs (expensive calls)',
  credit: 'from the credit of the caller (very small or variable prices)',
  free: 'no payment: the caller only signs to identify itself',
  card: 'by your card, within a budget in dollars',
};

/** Chooses how the calls of a tool are paid for, among some settlements. */
export const SettlementField = <Mode extends ToolDocument['settlement']>({
  modes,
  value,
  error,
  onChange,
}: {
  readonly modes: readonly Mode[];
  readonly value: Mode;
  readonly error?: string | undefined;
  readonly onChange: (mode: Mode) => void;
}) => (
  <Field
    label="Payment"
    error={error}
    control={(described) => (
      <select
        {...described}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value as Mode)}
      >
        {modes.map((mode) => (
          <option key={mode} value={mode}>
            {mode}: {EFFECTS[mode]}
          </option>
        ))}
      </select>
    )}
  />
);
