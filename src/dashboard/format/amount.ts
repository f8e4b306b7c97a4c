/** Decimals of every asset that a gateway takes: USDC, and fiat in millionths. */
const DECIMALS = 6;
const UNIT = 10n ** BigInt(DECIMALS);
/** U+2212: as wide as a digit, unlike a hyphen. */
const MINUS = '−';

/** The symbol of an asset (CAIP-19, or `iso4217:USD`). */
export const symbolOf = (asset: string): string => (asset === 'iso4217:USD' ? 'USD' : 'USDC');

/** The network of an asset (CAIP-2); undefined for fiat. */
export const networkOfAsset = (asset: string): string | undefined =>
  asset.includes('/') ? asset.slice(0, asset.indexOf('/')) : undefined;

const grouped = (digits: string): string => digits.replace(/\B(?=(?:\d{3})+$)/g, ',');

/**
 * Atomic units as a decimal number with at least two decimals, e.g. `1.25`.
 *
 * @param decimals how many to show at least, so that a column has equally many
 */
export const decimalOf = (atomic: bigint, decimals = 2): string => {
  const size = atomic < 0n ? -atomic : atomic;
  const fraction = (size % UNIT).toString().padStart(DECIMALS, '0');
  const kept = fraction.replace(/0+$/, '').padEnd(decimals, '0');
  const whole = grouped((size / UNIT).toString());
  return `${atomic < 0n ? MINUS : ''}${whole}.${kept}`;
};

/** A count with its thousands grouped, as amounts have them. */
export const countOf = (count: number): string => grouped(String(count));

/** A count with its noun, in the plural unless it is one: `1,200 calls`. */
export const counted = (count: number, noun: string): string =>
  `${countOf(count)} ${noun}${count === 1 ? '' : 's'}`;

/** The number of decimals with which each amount of a column is exact. */
export const decimalsFor = (amounts: readonly bigint[]): number =>
  amounts.reduce((most, amount) => Math.max(most, decimalOf(amount).split('.')[1]?.length ?? 2), 2);

/** A share of a whole in whole percent, rounded down; less than one percent is not zero. */
export const percentOf = (part: bigint, whole: bigint): string => {
  if (whole <= 0n || part <= 0n) return '0 %';
  const percent = (part * 100n) / whole;
  return percent === 0n ? '< 1 %' : `${percent} %`;
};

/** Sums amounts of one asset. */
export const sumOf = (amounts: readonly (string | bigint)[]): bigint =>
  amounts.reduce<bigint>((sum, amount) => sum + BigInt(amount), 0n);

const AMOUNT = /^(?<whole>[0-9]{1,12})(?:\.(?<fraction>[0-9]{1,6}))?$/;

/** The atomic units of a decimal number that a person wrote, e.g. `0.02`; undefined for any other text, and for more than six decimals. */
export const atomicIn = (text: string): bigint | undefined => {
  const { whole, fraction = '' } = AMOUNT.exec(text.trim())?.groups ?? {};
  return whole === undefined ? undefined : BigInt(whole + fraction.padEnd(6, '0'));
};
