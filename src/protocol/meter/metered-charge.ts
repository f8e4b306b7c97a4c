import { max, min } from '../amount.ts';
import type { Meter, Rates, Usage } from './meter.ts';
import { costOf, tariffOf } from './rate.ts';

/** Why a report of usage is absurd. The tool has failed, and the call costs nothing. */
export type UsageFault =
  /** The value is not a whole number from 0 up. */
  | { readonly fault: 'not_whole'; readonly unit: string; readonly got: string }
  | { readonly fault: 'huge'; readonly unit: string; readonly got: string }
  /** A later report of the same stream has a lower value. */
  | {
      readonly fault: 'shrinking';
      readonly unit: string;
      readonly before: number;
      readonly got: number;
    }
  /** One JSON object repeats a member, of which parsers read different values. */
  | { readonly fault: 'duplicated'; readonly unit: string }
  /** Two places of one event, or a part and its whole, contradict each other. */
  | { readonly fault: 'conflicting'; readonly unit: string };

/** What a meter has read of an answer. */
export type UsageReading = {
  /** The last known value of each reported unit. */
  readonly usage: Usage;
  /** Every unit that a complete answer must report was reported. */
  readonly isWhole: boolean;
  /** The stream has ended with its end event, or its source names none. */
  readonly isEnded: boolean;
  readonly fault?: UsageFault;
};

/**
 * What decided a charge. `metered`: the usage of a complete answer. `partial`: the usage so far of an answer that broke off. `missing`: a
 * complete answer reported no usage. `broken`: an answer broke off, and its source reports usage only at the end.
 */
export type ChargeBasis = 'metered' | 'partial' | 'missing' | 'broken';

/** The charge of a metered call. `amount` in atomic units. */
export type MeteredCharge =
  | {
      readonly kind: 'charged';
      readonly basis: ChargeBasis;
      readonly amount: bigint;
      readonly usage: Usage;
    }
  | { readonly kind: 'failed'; readonly fault: UsageFault; readonly usage: Usage };

/** How the body of an answer ended: `broken` also if the gateway stopped reading after its caller disconnected. */
export type BodyEnd = 'complete' | 'broken';

/**
 * Computes the charge of a metered call (docs/tools.md, "What does a metered call cost?"), never above `maximum`, atomic units. After a
 * fault the call costs nothing, whatever else was read.
 */
export const meteredCharge = (
  meter: Meter,
  rates: Rates,
  reading: UsageReading,
  end: BodyEnd,
  maximum: bigint,
): MeteredCharge => {
  const { usage, fault } = reading;
  if (fault !== undefined) return { kind: 'failed', fault, usage };
  const basis = basisOf(meter, reading, end);
  return { kind: 'charged', basis, amount: amountFor(meter, rates, basis, usage, maximum), usage };
};

const basisOf = (
  { usage: source }: Meter,
  { isWhole, isEnded }: UsageReading,
  end: BodyEnd,
): ChargeBasis => {
  if (end === 'complete' && isEnded) return isWhole ? 'metered' : 'missing';
  return isKnownSoFar(source) ? 'partial' : 'broken';
};

/** Whether usage has every unit that costs something. Parts may be missing: providers leave out those that are 0. */
export const isWholeUsage = (usage: Usage, rates: Rates, source: Meter['usage']): boolean => {
  const rated = Object.keys(rates);
  const wholes = rated.filter(
    (unit) => source.from !== 'answer' || source.units[unit]?.within === undefined,
  );
  return (wholes.length === 0 ? rated : wholes).every((unit) => usage[unit] !== undefined);
};

/** Whether the usage that was read so far is all that the call has used so far. */
export const isKnownSoFar = (source: Meter['usage']): boolean =>
  source.from === 'gateway' || (source.from === 'answer' && source.reports === 'cumulative');

const amountFor = (
  meter: Meter,
  rates: Rates,
  basis: ChargeBasis,
  usage: Usage,
  maximum: bigint,
): bigint => {
  switch (basis) {
    case 'metered':
      return min(max(costOf(tariffOf(rates, meter.usage), usage), least(meter)), maximum);
    // The minimum is the price of a complete answer.
    case 'partial':
      return min(costOf(tariffOf(rates, meter.usage), usage), maximum);
    case 'missing':
      return meter.missing === 'max' ? maximum : 0n;
    case 'broken':
      return 0n;
  }
};

const least = ({ min: text }: Meter): bigint => BigInt(text ?? '0');

/**
 * Computes a charge again from a log entry, for verifiers.
 *
 * @returns undefined if the terms do not allow this basis.
 */
export const chargeFromEntry = (
  meter: Meter,
  rates: Rates,
  { basis, usage }: { readonly basis: ChargeBasis; readonly usage: Usage },
  maximum: bigint,
): bigint | undefined => {
  const isKnown = isKnownSoFar(meter.usage);
  const isPossible =
    basis === 'metered' ||
    (basis === 'partial' && isKnown) ||
    (basis === 'broken' && !isKnown) ||
    (basis === 'missing' && meter.missing !== undefined);
  return isPossible ? amountFor(meter, rates, basis, usage, maximum) : undefined;
};
