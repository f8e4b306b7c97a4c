import type { ToolDocument } from '../../../management/tool.route.ts';
import { Field } from '../../parts/field.tsx';

const EFFECTS: Readonly<Record<ToolDocument['settlement'], string>> = {
  deferred: 'after the call',
  upfront: 'before the call',
  credit: 'from the caller’s credit',
  free: 'the caller only signs',
  card: 'by your card, in dollars',
};

const HINTS: Readonly<Record<ToolDocument['settlement'], string>> = {
  deferred: 'For cheap, fast calls. A call that fails costs nothing.',
  upfront: 'For expensive calls: the payment settles before the tool runs.',
  credit: 'For very small or variable prices. The caller buys credit first.',
  free: 'The caller only signs to identify itself.',
  card: 'The caller spends from a budget in dollars that you set.',
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
    hint={HINTS[value]}
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
