/** Recursive Length Prefix, of what a transaction of ours is made of: one list of byte strings, in hex digits without `0x`. */

/** Longer than this, and the length has bytes of its own. */
const SHORT = 55;
const STRING = 0x80;
const LIST = 0xc0;

/** A list of nothing: the access list of every transaction of ours. */
export const EMPTY_LIST = 'c0';

const bytes = (digits: string): number => digits.length / 2;

const wholeBytes = (digits: string): string => (digits.length % 2 === 0 ? digits : `0${digits}`);

const prefix = (base: number, size: number): string => {
  if (size <= SHORT) return (base + size).toString(16);
  const length = wholeBytes(size.toString(16));
  return (base + SHORT + bytes(length)).toString(16) + length;
};

/** A byte string. One byte below 0x80 stands for itself. */
export const rlpString = (digits: string): string =>
  digits.length === 2 && Number.parseInt(digits, 16) < STRING
    ? digits
    : prefix(STRING, bytes(digits)) + digits;

/** A number, without leading zeros; zero is the empty string. */
export const rlpNumber = (value: bigint | number): string =>
  rlpString(value === 0n || value === 0 ? '' : wholeBytes(value.toString(16)));

/** A list of items that are encoded already. */
export const rlpList = (items: readonly string[]): string => {
  const body = items.join('');
  return prefix(LIST, bytes(body)) + body;
};

/** Where the body of the item at `at` begins and ends. One that is longer than the text ends behind it. */
const bodyAt = (digits: string, at: number): readonly [start: number, end: number] => {
  const first = Number.parseInt(digits.slice(at, at + 2), 16);
  if (first < STRING) return [at, at + 2];
  const size = first - (first < LIST ? STRING : LIST);
  if (size <= SHORT) return [at + 2, at + 2 + size * 2];
  const start = at + 2 + (size - SHORT) * 2;
  return [start, start + Number.parseInt(digits.slice(at + 2, start), 16) * 2];
};

/**
 * The bodies of the items of a list. It reads more than is canonical, and cuts what is cut off: whoever asks must encode again and compare.
 * Takes no more items than asked for, so that no sender decides how long it runs.
 */
export const rlpItems = (digits: string, most: number): readonly string[] => {
  const [start, end] = bodyAt(digits, 0);
  const items: string[] = [];
  let at = start;
  while (at < end && at < digits.length && items.length < most) {
    const [from, to] = bodyAt(digits, at);
    items.push(digits.slice(from, to));
    at = to;
  }
  return items;
};
