import { type CreditBounds, presetsWithin } from '../../data/money/credit-bounds.ts';
import { decimalOf, atomicIn } from '../../format/amount.ts';
import { Field } from '../field.tsx';

const shortOf = (amount: bigint): string => decimalOf(amount).replace(/\.00$/, '');

/** The amount of credit to buy: one of a few amounts, or any other within the bounds. */
export const AmountField = ({
  bounds,
  text,
  error,
  onType,
}: {
  readonly bounds: CreditBounds;
  readonly text: string;
  readonly error: string | undefined;
  readonly onType: (text: string) => void;
}) => (
  <>
    <div class="tabs" role="group" aria-label="Amounts">
      {presetsWithin(bounds).map((each) => (
        <button
          key={String(each)}
          type="button"
          aria-pressed={each === atomicIn(text)}
          onClick={() => onType(shortOf(each).replaceAll(',', ''))}
        >
          {shortOf(each)} USDC
        </button>
      ))}
    </div>
    <Field
      label="Amount (USDC)"
      hint={`At least ${decimalOf(bounds.least)} USDC.`}
      error={error}
      control={(described) => (
        <input
          {...described}
          value={text}
          inputMode="decimal"
          autocomplete="off"
          onInput={(event) => onType(event.currentTarget.value)}
        />
      )}
    />
  </>
);
