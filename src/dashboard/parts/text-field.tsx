import { Field } from './field.tsx';

/** A field of one line of text. */
export const TextField = ({
  label,
  hint,
  error,
  value,
  spellcheck = false,
  onValue,
}: {
  readonly label: string;
  readonly hint: string;
  readonly error: string | undefined;
  readonly value: string;
  readonly spellcheck?: boolean;
  readonly onValue: (value: string) => void;
}) => (
  <Field
    label={label}
    hint={hint}
    error={error}
    control={(described) => (
      <input
        {...described}
        value={value}
        autocomplete="off"
        spellcheck={spellcheck}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    )}
  />
);
