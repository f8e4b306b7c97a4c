import { utf8 } from '../crypto/bytes.ts';
import { MAX_TOKEN } from './receipt-claims.ts';

/** Removes the gateway's last event, `countersign-receipt`, from an event stream in chunks of any size (docs/wire-format.md §13). */
export type ReceiptFilter = {
  /** Returns bytes of the tool. Holds back only bytes that may begin the event. */
  readonly write: (chunk: Uint8Array) => Uint8Array;
  /** Ends the stream. Returns the token of its last event, or the bytes that were held back and are the tool's. */
  readonly end: () => { readonly token?: string; readonly rest: Uint8Array };
};

const START = utf8('event: countersign-receipt\ndata: ');
const [LF, CR, FIRST] = [10, 13, START[0] ?? 0];
const NOTHING = new Uint8Array();

/**
 * Opens the filter. Only the exact form that the gateway writes, between events and at the very end, is its event; followed by anything
 * else, it belongs to the tool. Keeps at most one receipt in memory, whatever the stream contains (CWE-400).
 */
export const openReceiptFilter = (): ReceiptFilter => {
  let held: Uint8Array = NOTHING;
  /** The last three bytes before `held`: a blank line ends with at most `\n\r\n`. */
  let before: readonly number[] = [];

  return {
    write: (chunk) => {
      const bytes = held.length === 0 ? chunk : joined(held, chunk);
      let at = bytes.indexOf(FIRST);
      while (at !== -1 && !(isBetweenEvents(before, bytes, at) && canBeReceipt(bytes, at)))
        at = bytes.indexOf(FIRST, at + 1);
      const passed = at === -1 ? bytes : bytes.subarray(0, at);
      // A copy: a view would keep a chunk of any size in memory.
      held = at === -1 ? NOTHING : bytes.slice(at);
      before = [...before, ...passed.subarray(-3)].slice(-3);
      return passed;
    },
    end: () => {
      const isWhole = held.length > START.length + 2 && held.at(-1) === LF && held.at(-2) === LF;
      if (!isWhole) return { rest: held };
      const token = new TextDecoder().decode(held.subarray(START.length, -2));
      return { token, rest: NOTHING };
    },
  };
};

const joined = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(left.length + right.length);
  bytes.set(left);
  bytes.set(right, left.length);
  return bytes;
};

/** Whether the stream begins here, or the line before is blank. Lines end with LF, CR or CRLF (WHATWG HTML §9.2.6). */
const isBetweenEvents = (before: readonly number[], bytes: Uint8Array, at: number): boolean => {
  const [third, second, first] = [3, 2, 1].map((back) =>
    at >= back ? bytes[at - back] : before.at(at - back),
  );
  if (first === undefined) return true;
  if (first === LF && second === CR) return third === LF || third === CR;
  return isLineEnd(first) && isLineEnd(second);
};

const isLineEnd = (byte: number | undefined): boolean => byte === LF || byte === CR;

/** Whether the rest of the bytes is the event, or the beginning of it. */
const canBeReceipt = (bytes: Uint8Array, from: number): boolean => {
  for (let index = 0; index < START.length; index += 1) {
    if (from + index === bytes.length) return true;
    if (bytes[from + index] !== START[index]) return false;
  }
  const token = from + START.length;
  const end = bytes.indexOf(LF, token);
  if ((end === -1 ? bytes.length : end) - token > MAX_TOKEN) return false;
  if (!bytes.subarray(token, end === -1 ? bytes.length : end).every(isTokenByte)) return false;
  if (end === -1 || end + 1 === bytes.length) return true;
  return bytes[end + 1] === LF && end + 2 === bytes.length;
};

/** A character of a compact JWS: base64url, or a dot. */
const isTokenByte = (byte: number): boolean =>
  (byte >= 48 && byte <= 57) ||
  (byte >= 65 && byte <= 90) ||
  (byte >= 97 && byte <= 122) ||
  byte === 45 ||
  byte === 46 ||
  byte === 95;
