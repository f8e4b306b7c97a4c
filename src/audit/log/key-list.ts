import type { Seconds } from '../../core/clock.ts';
import { type NoteKey, parseVerifierKey, verifierKey } from './signed-note.ts';

/** A key of a log, and when it signs. */
export type ListedKey = {
  readonly key: NoteKey;
  /** When the log signed its first checkpoint with it; absent before that. */
  readonly from?: Seconds;
  /** When the log signed its first checkpoint without it; absent while it signs. */
  readonly until?: Seconds;
};

/** Keys of a list, at most. */
const MAX_KEYS = 64;
const TIME = /^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
/** How far the clocks of an account and of its log differ, at most. */
const CLOCKS: Seconds = 5;

/** Writes keys as `/log/<year>/keys` has them (docs/audit-log.md): a line each, the verifier key and its times. */
export const keyListText = (keys: readonly ListedKey[]): string =>
  keys
    .map(({ key, from, until }) =>
      [verifierKey(key), ...[from, until].flatMap((at) => (at === undefined ? [] : [isoTime(at)]))]
        .join(' ')
        .concat('\n'),
    )
    .join('');

/** Reads such a list, or a file of bare keys, one a line. @returns undefined for any other text, and for an empty one */
export const parseKeyList = (text: string): readonly [ListedKey, ...ListedKey[]] | undefined => {
  const lines = text
    .split('\n')
    .map(wordsOf)
    .filter(({ length }) => length > 0);
  if (lines.length > MAX_KEYS) return undefined;
  const [first, ...more] = lines.map(listedKey);
  return first !== undefined && more.every((key) => key !== undefined)
    ? [first, ...more]
    : undefined;
};

/** Not `trim`: it also removes a byte order mark, which other verifiers keep. */
const wordsOf = (line: string): readonly string[] =>
  line
    .replace(/\r$/, '')
    .split(' ')
    .filter((word) => word !== '');

const listedKey = ([text = '', ...times]: readonly string[]): ListedKey | undefined => {
  const key = parseVerifierKey(text);
  const [from, until] = times.map(secondsOf);
  if (key === undefined || times.length > 2 || !times.every(isTime)) {
    return undefined;
  }
  return {
    key,
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
  };
};

const isoTime = (at: Seconds): string => new Date(at * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');

const secondsOf = (time: string): Seconds => Math.floor(Date.parse(time) / 1_000);

/** `Date` reads 30 February as 2 March: such a time would have two readings. */
const isTime = (text: string): boolean =>
  TIME.test(text) && !Number.isNaN(secondsOf(text)) && isoTime(secondsOf(text)) === text;

/** When the last of some keys stopped signing; undefined if one of them signs still. A key that signed again has a line for each time. */
export const endOfSigning = (
  listed: readonly ListedKey[],
  signers: readonly NoteKey[],
): Seconds | undefined => {
  const texts = new Set(signers.map(verifierKey));
  const own = listed.filter(({ key }) => texts.has(verifierKey(key)));
  return own.every(({ until }) => until !== undefined)
    ? Math.max(...own.map(({ until = 0 }) => until))
    : undefined;
};

/**
 * Whether a checkpoint was signed after its keys had ended, because it covers a younger entry.
 *
 * Attack: a thief of a retired key signs another history with it for readers that still list the key.
 */
export const isSignedTooLate = (end: Seconds | undefined, entryAt: Seconds): boolean =>
  end !== undefined && entryAt > end + CLOCKS;
