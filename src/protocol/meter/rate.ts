import type { Rates, Usage, UsageSource } from './meter.ts';

/** A rate as an exact fraction of atomic units for each unit. */
export type Rate = { readonly numerator: bigint; readonly denominator: bigint };

const RATE = /^\$(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,12}))?(?: per ([1-9][0-9]{0,11}))?$/;

/** Completes a sentence that begins with the field. */
export const RATE_HINT =
  'must be dollars for a number of units: "$0.15 per 1000000", or "$0.02" for each (at most 12 decimals)';

/** The parts of a rate as texts: dollars without the sign, and the number of units. */
export const rateParts = (
  text: string,
): { readonly whole: string; readonly fraction: string; readonly per: string } | undefined => {
  const [, whole, fraction = '', per = '1'] = RATE.exec(text) ?? [];
  return whole === undefined ? undefined : { whole, fraction, per };
};

/** Reads a rate, exactly; undefined for any other text. */
export const parseRate = (text: string): Rate | undefined => {
  const parts = rateParts(text);
  if (parts === undefined) return undefined;
  const { whole, fraction, per } = parts;
  return {
    numerator: BigInt(whole + fraction) * 1_000_000n,
    denominator: 10n ** BigInt(fraction.length) * BigInt(per),
  };
};

/** A rate list over one denominator, which makes its sums exact. */
export type Tariff = {
  readonly denominator: bigint;
  /** Each unit with a rate: its weight over `denominator`, and its parts that have rates of their own. */
  readonly lines: readonly {
    readonly unit: string;
    readonly weight: bigint;
    readonly parts: readonly string[];
  }[];
};

const greatestDivisor = (a: bigint, b: bigint): bigint =>
  b === 0n ? a : greatestDivisor(b, a % b);

/** Compiles a rate list. @throws Error for a rate that `parseRate` does not read */
export const tariffOf = (rates: Rates, usage: UsageSource): Tariff => {
  const read = Object.entries(rates).map(([unit, text]) => {
    const rate = parseRate(text);
    if (rate === undefined) throw new Error(`no rate: ${text}`);
    return { unit, ...rate };
  });
  const denominator = read.reduce(
    (all, each) => (all / greatestDivisor(all, each.denominator)) * each.denominator,
    1n,
  );
  return {
    denominator,
    lines: read.map((each) => ({
      unit: each.unit,
      weight: each.numerator * (denominator / each.denominator),
      parts: read.flatMap(({ unit }) => (wholeOf(usage, unit) === each.unit ? [unit] : [])),
    })),
  };
};

/** The unit of which a unit is a part. */
const wholeOf = (usage: UsageSource, unit: string): string | undefined =>
  usage.from === 'answer' ? usage.units[unit]?.within : undefined;

/** The cost of usage as a numerator over the tariff's denominator. A part with a rate does not count in its whole. */
const exactCost = ({ lines }: Tariff, usage: Usage): bigint =>
  lines.reduce((sum, { unit, weight, parts }) => {
    const ofParts = parts.reduce((total, part) => total + (usage[part] ?? 0), 0);
    // A stream that breaks off may have reported a part and not yet its whole.
    return sum + BigInt(Math.max(0, (usage[unit] ?? 0) - ofParts)) * weight;
  }, 0n);

/** The cost of usage, atomic units: exact, and rounded up once at the end. */
export const costOf = (tariff: Tariff, usage: Usage): bigint =>
  (exactCost(tariff, usage) + tariff.denominator - 1n) / tariff.denominator;

/** Returns how many more of a unit `maximum` pays for besides `usage`; negative if it does not even pay for `usage`, undefined if the unit costs nothing. */
export const affordable = (
  tariff: Tariff,
  usage: Usage,
  unit: string,
  maximum: bigint,
): bigint | undefined => {
  const weight = tariff.lines.find((line) => line.unit === unit)?.weight ?? 0n;
  if (weight === 0n) return undefined;
  const left = maximum * tariff.denominator - exactCost(tariff, usage);
  return left < 0n ? -1n : left / weight;
};
