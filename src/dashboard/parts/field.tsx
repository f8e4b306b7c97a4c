import { type ComponentChildren, type JSX, toChildArray } from 'preact';
import { useId } from 'preact/hooks';
import './field.css';

type Described = {
  readonly id: string;
  readonly 'aria-describedby'?: string | undefined;
  readonly 'aria-invalid'?: boolean | undefined;
};

/**
 * A control with its label above, and below it a hint or the fault of its content.
 *
 * @param control renders the control with the attributes that tie it to its texts
 * @param id needed where several trees of Preact share a page: each of them counts its own ids from zero
 */
export const Field = ({
  label,
  hint,
  error,
  control,
  id: given,
}: {
  readonly label: string;
  readonly hint?: ComponentChildren;
  /** The fault, and how to correct it. */
  readonly error?: string | undefined;
  readonly control: (described: Described) => JSX.Element;
  readonly id?: string;
}) => {
  const counted = useId();
  const id = given ?? counted;
  const isWrong = error !== undefined;
  const text = isWrong || toChildArray(hint).length > 0 ? `${id}-text` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {control({
        id,
        'aria-describedby': text,
        'aria-invalid': isWrong ? true : undefined,
      })}
      {text === undefined ? null : (
        <p class={isWrong ? 'error' : 'hint'} id={text}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
};
