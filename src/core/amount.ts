/**
 * Money is `bigint` in atomic units (USDC: millionths of a dollar) in code, and a decimal string on the wire (design §4).
 * No floating point number ever holds an amount.
 */
const DECIMAL = /^(0|[1-9][0-9]{0,77})$/;
const DOLLARS = /^\$(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,6}))?$/;
const UINT256_MAX = (1n << 256n) - 1n;

/** Reads a canonical decimal string (no sign, no leading zero) that fits a uint256. */
export const parseAmount = (text: string): bigint | undefined => {
  if (!DECIMAL.test(text)) return undefined;
  const amount = BigInt(text);
  return amount <= UINT256_MAX ? amount : undefined;
};

/** Reads `"$0.02"` into atomic units of a six-decimal dollar token; undefined when it is not written so. */
export const parseDollars = (text: string): bigint | undefined => {
  const match = DOLLARS.exec(text);
  if (match?.[1] === undefined) return undefined;
  return BigInt(match[1]) * 1_000_000n + BigInt((match[2] ?? '').padEnd(6, '0'));
};

/** Writes atomic units of a six-decimal dollar token as `$0.02`, with at least two decimals. */
export const formatDollars = (amount: bigint): string => {
  const sign = amount < 0n ? '-' : '';
  const atomic = amount < 0n ? -amount : amount;
  const fraction = (atomic % 1_000_000n)
    .toString()
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${sign}$${atomic / 1_000_000n}.${fraction}`;
};

/**
 * An amount as SQLite stores it. Above 2^53-1 a Durable Object would read back another number without a word
 * (platform facts 1.2), so such an amount is refused here. @throws RangeError
 */
export const toStored = (amount: bigint): number => {
  const stored = Number(amount);
  if (!Number.isSafeInteger(stored)) throw new RangeError('amount is not a safe integer');
  return stored;
};

/** The largest amount that storage takes: a price or value above it is refused before any decision. */
export const MAX_STORED = BigInt(Number.MAX_SAFE_INTEGER);

export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
