/**
 * Code holds money as `bigint` in atomic units (USDC: millionths of a dollar), never as a floating point number.
 *
 * An amount has three written forms:
 * - **wire** (signed documents, x402, queries and answers of the API): a decimal string of atomic units, `20000`;
 * - **document** (policies, tools, variables, options of the client): `"$0.02"` or `"20000u"`. A bare number is rejected: a person
 *   reads `15` as dollars and a program as atomic units, a factor of a million apart;
 * - **command line**: the form of a document, or a bare decimal in dollars, `0.02`.
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

/** The form of an amount in a document. Completes a sentence that begins with the field. */
export const MONEY_HINT =
  'must be an amount: "$0.02" (dollars, at most six decimals) or "20000u" (atomic units), at most 2^53-1 atomic units';

/** Reads an amount of a document, `"$0.02"` or `"20000u"`, as atomic units of a six-decimal token; undefined for any other text. */
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

/** Reads an amount of the command line: as `parseMoney`, or a bare decimal in dollars. */
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
 * Converts an amount for SQLite. A Durable Object silently rounds integers above 2^53-1 (CWE-197).
 *
 * @throws RangeError for an amount above 2^53-1
 */
export const toStored = (amount: bigint): number => {
  const stored = Number(amount);
  if (!Number.isSafeInteger(stored)) throw new RangeError('amount is not a safe integer');
  return stored;
};

/** The largest amount that storage can hold. The gateway rejects a larger price or value before any decision. */
export const MAX_STORED = BigInt(Number.MAX_SAFE_INTEGER);

/** The maximum of one top-up, atomic units: far below what storage can hold for an account. */
export const MAX_TOP_UP = 1_000_000_000_000n;

export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
