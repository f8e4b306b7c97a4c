import { shown } from '../dashboard/format/text.ts';
import { Field } from '../dashboard/parts/field.tsx';
import type { ArgumentField } from './argument-field.ts';

/** A text of at most this length fits on one line. */
const ONE_LINE = 256;

const hintOf = ({ description, entry }: ArgumentField): string => {
  const how =
    entry.kind === 'list' ? 'One value per line.' : entry.kind === 'json' ? 'As JSON.' : '';
  return [shown(description), how].filter((part) => part !== '').join(' ');
};

/** One argument of the tool. Its name and description are texts of the operator. */
export const ArgumentControl = ({
  id,
  field,
  value,
  error,
  onChange,
}: {
  readonly id: string;
  readonly field: ArgumentField;
  readonly value: string;
  readonly error: string | undefined;
  readonly onChange: (text: string) => void;
}) => {
  const { name, entry, isRequired } = field;
  const isLong =
    entry.kind === 'json' ||
    entry.kind === 'list' ||
    (entry.kind === 'text' && entry.most > ONE_LINE);
  return (
    <Field
      id={id}
      label={`${shown(name)}${isRequired ? '' : ' (optional)'}`}
      hint={hintOf(field)}
      error={error}
      control={(described) => {
        if (entry.kind === 'choice') {
          return (
            <select
              {...described}
              value={value}
              onChange={(event) => onChange(event.currentTarget.value)}
            >
              <option value="">{isRequired ? 'Choose' : 'None'}</option>
              {entry.choices.map((each) => (
                <option key={String(each)} value={String(each)}>
                  {shown(String(each))}
                </option>
              ))}
            </select>
          );
        }
        const common = {
          ...described,
          value,
          required: isRequired,
          autocomplete: 'off',
          spellcheck: false,
        } as const;
        return isLong && field.place !== 'rest' && field.place !== 'search' ? (
          <textarea {...common} rows={4} onInput={(event) => onChange(event.currentTarget.value)} />
        ) : (
          <input
            {...common}
            inputMode={entry.kind === 'number' ? 'decimal' : 'text'}
            onInput={(event) => onChange(event.currentTarget.value)}
          />
        );
      }}
    />
  );
};
