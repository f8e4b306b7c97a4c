import { err, ok, type Result } from '../../core/result.ts';
import type { Param } from '../../protocol/account/call.ts';
import { type Meter, NOT_SOLD, type Rates } from '../../protocol/meter/meter.ts';

/** Why a call has no rates: the request must change. `hint` completes a sentence that begins with `field`. */
export type RatesFault = { readonly field: string; readonly hint: string };

const MAX_LISTED = 8;

/**
 * Returns the rate list of a call, chosen by its parameters as the gateway read them.
 *
 * Attack: a caller hides the value from the gateway but not from the upstream (`model` twice, or in another case), to pay the default rates
 * for an expensive model. So a value that the gateway cannot read is refused, even if there are default rates.
 */
export const ratesOfCall = (
  { rates, ratesBy }: Meter,
  params: Readonly<Record<string, Param>>,
): Result<Rates, RatesFault> => {
  if (ratesBy === undefined) {
    return rates === NOT_SOLD
      ? err({ field: 'body', hint: 'asks for nothing that is sold' })
      : ok(rates);
  }
  const { param, values } = ratesBy;
  const read = params[param];
  if (read?.found !== true) {
    return err({
      field: param,
      hint: 'must be in the request, once and as text: the price depends on it',
    });
  }
  const listed = Object.hasOwn(values, read.value) ? values[read.value] : rates;
  if (listed !== undefined && listed !== NOT_SOLD) return ok(listed);
  return err({ field: param, hint: `is not sold; use ${wordsOf(Object.keys(values))}` });
};

const wordsOf = (sold: readonly string[]): string =>
  sold.length > MAX_LISTED
    ? `${sold.slice(0, MAX_LISTED).join(', ')} or one of ${sold.length - MAX_LISTED} others`
    : sold.join(' or ');
