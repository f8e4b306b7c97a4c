import { type ComponentChildren, type JSX, toChildArray } from 'preact';
import { useId } from 'preact/hooks';
import './field.css';

type Described = {
  readonly id: string;
  readonly 'aria-describedby'?: string | undefined;
  readonly 'aria-invalid'?: boolean | undefined;
};

/**
 * A control with its label above, a hint below, and what is wrong with its content.
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
  /** What is wrong and how to correct it. */
  readonly error?: string | undefined;
  readonly control: (described: Described) => JSX.Element;
  readonly id?: string;
}) => {
  const counted = useId();
  const id = given ?? counted;
  const hasHint = toChildArray(hint).length > 0;
  const texts = [hasHint ? `${id}-hint` : '', error === undefined ? '' : `${id}-error`]
    .filter((text) => text !== '')
    .join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {control({
        id,
        'aria-describedby': texts === '' ? undefined : texts,
        'aria-invalid': error === undefined ? undefined : true,
      })}
      {hasHint ? (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      ) : null}
      {error === undefined ? null : (
        <p class="error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
};
