import { Field } from '../../parts/field.tsx';

/** Why an operator changes the money of a call: required, because the log keeps it. */
export const ReasonField = ({
  label,
  reason,
  isTried,
  onReason,
}: {
  readonly label: string;
  readonly reason: string;
  /** Whether the person has tried to continue: from then on a missing reason is an error. */
  readonly isTried: boolean;
  readonly onReason: (reason: string) => void;
}) => (
  <Field
    label={label}
    hint="The log of the account keeps it, and its owner can read it."
    error={isTried && reason.trim() === '' ? 'Enter a reason.' : undefined}
    control={(described) => (
      <input
        {...described}
        value={reason}
        maxLength={200}
        autocomplete="off"
        onInput={(event) => onReason(event.currentTarget.value)}
      />
    )}
  />
);
