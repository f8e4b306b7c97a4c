import { isObject } from '../../core/json-object.ts';
import { formatDollars } from '../amount.ts';
import { isUnit, type Meter, NOT_SOLD, type Rates, type RatesBy } from './meter.ts';
import { rateParts } from './rate.ts';

/** The members of a meter that a buyer reads. Amounts in atomic units. */
export type WordedMeter = Pick<Meter, 'rates' | 'ratesBy' | 'min' | 'missing'>;

/**
 * States a metered price in words, for every document, offer and page: `$0.15 per million input tokens and $0.60 per million output tokens,
 * at most $0.05 a call`. ASCII, without the end of a sentence.
 *
 * @param maximum the price of the tool, atomic units.
 * @throws Error for a rate that `parseRate` does not read
 */
export const meterWords = (meter: WordedMeter, maximum: bigint): string => {
  const most = formatDollars(maximum);
  return [
    rateListWords(meter),
    `${meter.ratesBy === undefined ? ',' : ';'} at most ${most} a call`,
    meter.min === undefined ? '' : `, at least ${formatDollars(BigInt(meter.min))}`,
    meter.missing === 'max' ? `; ${most} if a complete answer reports no usage` : '',
  ].join('');
};

/** Which payments move more than the charge, as a sentence; undefined for a tool that takes no payment. */
export const restWords = ({ exact }: Pick<Meter, 'exact'>): string | undefined => {
  switch (exact) {
    case true:
      return 'A payment of the scheme exact, or one that settles before the call, moves the maximum, and what is not charged becomes credit.';
    case false:
      return 'A payment that settles before the call moves the maximum, and what is not charged becomes credit.';
    case undefined:
      return undefined;
  }
};

const rateListWords = ({ rates, ratesBy }: WordedMeter): string => {
  const plain = rates === NOT_SOLD ? undefined : ratesWords(rates);
  return ratesBy === undefined ? (plain ?? NOT_SOLD) : ratesByWords(ratesBy, plain);
};

/** The structured terms list every value. */
const MAX_VALUES = 3;

const ratesByWords = ({ param, values }: RatesBy, others: string | undefined): string => {
  const all = Object.entries(values).map(([value, rates]) => `${value}: ${ratesWords(rates)}`);
  const more = all.length - MAX_VALUES;
  return [
    ...all.slice(0, MAX_VALUES),
    ...(more > 0 ? [`${more} more by ${param}`] : []),
    others === undefined ? `any other ${param} is not sold` : `any other ${param}: ${others}`,
  ].join('; ');
};

const ratesWords = (rates: Rates): string => {
  const all = Object.entries(rates).map(([unit, rate]) => rateWords(unit, rate));
  const last = all.pop() ?? '';
  return all.length === 0 ? last : `${all.join(', ')} and ${last}`;
};

/**
 * States usage in words: `2 input tokens and 12 output tokens`; undefined for none. A value from a log may have any form, so members that are
 * not counts are left out.
 */
export const usageWords = (usage: unknown): string | undefined => {
  const counts = Object.entries(isObject(usage) ? usage : {}).flatMap(([unit, count]) =>
    isUnit(unit) && Number.isSafeInteger(count)
      ? [`${String(count)} ${count === 1 ? singular(inWords(unit)) : inWords(unit)}`]
      : [],
  );
  const last = counts.pop();
  return counts.length === 0 ? last : `${counts.join(', ')} and ${last}`;
};

const inWords = (unit: string): string => unit.replaceAll('_', ' ');

const rateWords = (unit: string, rate: string): string => {
  const parts = rateParts(rate);
  if (parts === undefined) throw new Error(`no rate: ${rate}`);
  const { whole, fraction, per } = parts;
  const units = inWords(unit);
  const digits = fraction.replace(/0+$/, '');
  if (whole === '0' && digits === '') return `nothing for ${units}`;
  const dollars = `$${whole}.${digits.padEnd(2, '0')}`;
  return `${dollars} per ${per === '1' ? singular(units) : `${COUNTS[per] ?? per} ${units}`}`;
};

const COUNTS: Readonly<Record<string, string>> = {
  '1000': 'thousand',
  '1000000': 'million',
  '1000000000': 'billion',
};

const singular = (units: string): string => {
  if (units.endsWith('ies')) return `${units.slice(0, -3)}y`;
  if (/(?:ss|sh|ch|x)es$/.test(units)) return units.slice(0, -2);
  return units.replace(/(?<!s)s$/, '');
};
