/**
 * Money is `bigint` in atomic units (USDC: millionths of a dollar) in code. No floating point number ever holds an amount.
 *
 * An amount has three written forms, and this file reads all of them:
 * - **wire** (signed documents, x402, queries and answers of the API): a decimal string of atomic units, `20000`;
 * - **document** (policies, tools, variables, options of the client): `"$0.02"` or `"20000u"`. A bare number is refused, because a
 *   person reads `15` as dollars and a program as atomic units, a factor of a million apart;
 * - **command line**: a document's form, or a bare decimal in dollars, `0.02`.
 */
const DECIMAL = /^(0|[1-9][0-9]{0,77})$/;
const DOLLARS = /^\$(0|[1-9][0-9]{0,9})(?:\.([0-9]{1,6}))?$/;
const UNITS = /^(0|[1-9][0-9]{0,15})u$/;
const BARE = /^[0-9]+(?:\.[0-9]+)?$/;
const UINT256_MAX = (1n << 256n) - 1n;

/** Reads a canonical decimal string (no sign, no leading zero) that fits a uint256. */
export const parseAmount = (text: string): bigint | undefined => {
  if (!DECIMAL.test(text)) return undefined;
  const amount = BigInt(text);
  return amount <= UINT256_MAX ? amount : undefined;
};

/** What a document's amount must look like, for a message that begins with the field. */
export const MONEY_HINT =
  'must be an amount: "$0.02" (dollars, at most six decimals) or "20000u" (atomic units), at most 2^53-1 atomic units';

/** Reads an amount of a document, `"$0.02"` or `"20000u"`, into atomic units of a six-decimal token; undefined for anything else. */
export const parseMoney = (text: string): bigint | undefined => {
  const [, units] = UNITS.exec(text) ?? [];
  const [, whole, fraction = ''] = DOLLARS.exec(text) ?? [];
  const amount =
    units !== undefined
      ? BigInt(units)
      : whole === undefined
        ? undefined
        : BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
  return amount === undefined || amount > MAX_STORED ? undefined : amount;
};

/** Reads an amount of the command line: as `parseMoney`, and a bare decimal is dollars: `15` is $15. */
export const parseMoneyOption = (text: string): bigint | undefined =>
  parseMoney(BARE.test(text) ? `$${text}` : text);

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
