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
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** Writes keys as `/log/<year>/keys` has them (docs/audit-log.md): a line each, the verifier key and its times. */
export const keyListText = (keys: readonly ListedKey[]): string =>
  keys
    .map(({ key, from, until }) =>
      [verifierKey(key), ...[from, until].flatMap((at) => (at === undefined ? [] : [isoTime(at)]))]
        .join(' ')
        .concat('\n'),
    )
    .join('');

/** Reads such a list; a file of bare keys, one a line, is one, too. @returns undefined for any other text, and for an empty one */
export const parseKeyList = (text: string): readonly [ListedKey, ...ListedKey[]] | undefined => {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length > MAX_KEYS) return undefined;
  const [first, ...more] = lines.map(listedKey);
  return first !== undefined && more.every((key) => key !== undefined)
    ? [first, ...more]
    : undefined;
};

const listedKey = (line: string): ListedKey | undefined => {
  const [text = '', ...times] = line.trim().split(/ +/);
  const key = parseVerifierKey(text);
  const [from, until] = times.map(secondsOf);
  if (key === undefined || times.length > 2 || !times.every((time) => TIME.test(time))) {
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
