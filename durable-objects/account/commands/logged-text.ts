import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Noun } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';

/** The hash of a policy or document whose text is in the log, so that later entries name it by hash alone. */
export type LoggedText = { readonly hash: Hex; readonly at: Seconds };

/** After this long an entry carries its text again: an archive of a year can be read by itself, and the set of hashes is bounded. */
export const TEXT_REMEMBERED: Seconds = 366 * 86_400;

export const LOGGED_TEXT: Noun<LoggedText, 'at'> = {
  name: 'text',
  key: ({ hash }) => hash,
  encode: JSON.stringify,
  decode: (text) => JSON.parse(text) as LoggedText,
  fields: { at: ({ at }) => at },
};

export const isLogged = (read: Reader, hash: Hex): boolean =>
  read.get(LOGGED_TEXT, hash) !== undefined;
