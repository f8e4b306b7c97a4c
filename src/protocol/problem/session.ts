import type { Texts } from './problem-text.ts';
import { ITS_HINT, RELOAD, type Words } from './words.ts';

/** A request that a browser signed with the key of its session is refused. */
export type SessionReason =
  /** The session or the signature of its key is malformed, for another origin, or wrong. `detail` completes the sentence about `field`. */
  | { readonly reason: 'invalid_session'; readonly field: string; readonly detail: string }
  /** The session has expired, or was ended. */
  | { readonly reason: 'session_ended' }
  /** The account has seen this request, or cannot rule it out. */
  | { readonly reason: 'session_repeat' }
  /** A session only reads. */
  | { readonly reason: 'session_reads' };

export const sessionTexts: Texts<SessionReason> = {
  invalid_session: ({ field, detail }) => ({
    status: 401,
    title: 'Invalid session',
    detail,
    hint: 'Sign in again. If the clock of this device is wrong, correct it first.',
    more: { field },
  }),
  session_ended: () => ({
    status: 401,
    title: 'Session ended',
    detail: 'The session has expired, or somebody ended it.',
    hint: 'Sign in again with the wallet.',
  }),
  session_repeat: () => ({
    status: 409,
    title: 'Sign this request again',
    detail: 'Each signature of a session is accepted once, and this one may have been used.',
    hint: 'Sign the same request again, with a new nonce and the time of the `Date` header of this answer.',
  }),
  session_reads: () => ({
    status: 403,
    title: 'Signature of the wallet required',
    detail:
      'A session only reads. A change needs a signature of the wallet for exactly this request.',
    hint: 'Sign an Agent-Intent for this request with the wallet and send it without `Agent-Session`.',
  }),
};

export const sessionWords: Words<SessionReason> = {
  invalid_session: ITS_HINT,
  session_ended: ITS_HINT,
  session_repeat: { page: 'Correct the clock of this device, then reload the page.' },
  session_reads: RELOAD,
};
