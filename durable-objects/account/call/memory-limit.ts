import type { Seconds } from '../../../src/core/clock.ts';

/**
 * An open call stays in memory as it is stored, until its payment is final: about 3,000 characters, and up to 90,000 with an answer that a
 * caller can fetch again. Accounts share the 128 MB of an isolate, and a snapshot copies all values once.
 *
 * Attack: a payer with a large `exposure` opens calls with large answers while nothing settles. Without limits its object would exceed the
 * memory of the isolate, at every restart again, and never settle.
 */

/** From here on no answer is stored: a repeat of the call gets `already_used`, as after an answer over 64 KiB. */
export const MOST_WITH_ANSWERS = 16 * 1_024 * 1_024;

/** From here on a deferred call is refused until others have ended: about 10,000 open calls. */
export const MOST_OPEN = 32 * 1_024 * 1_024;

/** When a refused caller may try again. */
export const MEMORY_PAUSE: Seconds = 5;
