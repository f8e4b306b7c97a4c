import { MAX_STORED } from '../../protocol/amount.ts';

/** A decimal number as digits and how many of them stand behind the point: no floating point number holds an amount. */
type Decimal = { readonly digits: bigint; readonly scale: number };

const FORM = /^([0-9]{1,40})(?:\.([0-9]{0,40}))?(?:[eE]([+-]?[0-9]{1,2}))?$/;

/**
 * Reads an amount that is not below zero. A JSON number was a float in its exporter already: the shortest text that stands for it is
 * what both that exporter and JavaScript print, so going by that text repeats what it showed and rounds nothing.
 */
const decimalOf = (value: number | string): Decimal | undefined => {
  const [, whole, fraction = '', exponent = '0'] = FORM.exec(String(value).trim()) ?? [];
  if (whole === undefined) return undefined;
  const digits = BigInt(whole + fraction);
  const scale = fraction.length - Number(exponent);
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : { digits, scale };
};

const UNITS = 6;

export type Units = {
  /** Millionths of a dollar. */
  readonly amount: bigint;
  /** False where something smaller than a millionth was cut off. */
  readonly exact: boolean;
};

/** US dollars to atomic units, rounded down; undefined where it is no amount, or more than storage takes. */
export const unitsOf = (dollars: number | string): Units | undefined => {
  const decimal = decimalOf(dollars);
  if (decimal === undefined) return undefined;
  const { digits, scale } = decimal;
  if (scale <= UNITS) {
    const amount = digits * 10n ** BigInt(UNITS - scale);
    return amount > MAX_STORED ? undefined : { amount, exact: true };
  }
  const divisor = 10n ** BigInt(scale - UNITS);
  const amount = digits / divisor;
  return amount > MAX_STORED ? undefined : { amount, exact: digits % divisor === 0n };
};
