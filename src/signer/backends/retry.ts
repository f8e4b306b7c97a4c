import type { Clock } from '../../core/clock.ts';
import type { Result } from '../../core/result.ts';
import { type KeyFault, reactionTo } from './backend.ts';

/** An attempt and three repeats. */
const ATTEMPTS = 4;
/** Milliseconds before the first repeat; each further pause is three times as long. */
const FIRST_PAUSE = 100;
/** Milliseconds after the first attempt in which another may begin. The agent waits for the answer. */
const PATIENCE = 3_000;

/**
 * Repeats a request to a key management service while its fault can pass, at most three times and within three seconds. A repeat is safe: a
 * second signature of the same digest permits nothing that the first did not.
 */
export const withRetries = async <T>(
  clock: Clock,
  attempt: () => Promise<Result<T, KeyFault>>,
): Promise<Result<T, KeyFault>> => {
  const began = clock.now();
  let pause = FIRST_PAUSE;
  for (let count = 1; ; count += 1) {
    const result = await attempt();
    if (result.ok || count === ATTEMPTS || !reactionTo(result.error).isTransient) return result;
    // Signers that were throttled together must not return together.
    const wait = Math.max(pause * (0.5 + Math.random() / 2), pauseAsked(result.error));
    if (clock.now() - began + wait > PATIENCE) return result;
    await clock.sleep(wait);
    pause *= 3;
  }
};

/** The pause that the service requested, in milliseconds; undefined for its default of one second. */
const pauseAsked = (fault: KeyFault): number =>
  fault.kind === 'throttled' && fault.retryAfter > 1 ? fault.retryAfter * 1_000 : 0;
