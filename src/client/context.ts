import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { AgentHooks } from './hooks.ts';
import type { Credit } from './credit.ts';
import { CountersignError } from './errors.ts';
import type { ReceiptKeys } from './receipt-keys.ts';
import type { Rules } from './offer-choice.ts';
import type { Memory } from './memory.ts';
import type { Signer } from './signer.ts';
import type { Budget } from './spend.ts';

/** What the calls of one agent share. */
export type Context = {
  readonly signer: Signer;
  /** The grant that calls stand on; zero leaves it to the gateway. */
  readonly authority: Hex;
  readonly rules: Rules;
  /** Origins that may be signed for besides the one called. */
  readonly audiences: ReadonlySet<string>;
  readonly hooks: AgentHooks;
  readonly budget: Budget;
  readonly credit: Credit;
  readonly memory: Memory;
  readonly keys: ReceiptKeys;
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => Seconds;
  /** Ends early, with the reason, when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly timeoutMs: number;
  /** How often a lost answer is asked for again. */
  readonly retries: number;
};

/**
 * A signature for somebody else could be carried there: only the origin that was called, and those the caller has named, are
 * signed for. @throws CountersignError `audience_mismatch`
 */
export const mustServe = (
  context: Pick<Context, 'audiences'>,
  origin: string,
  audience: string,
  response: Response,
): void => {
  if (audience === origin || context.audiences.has(audience)) return;
  throw new CountersignError(
    'audience_mismatch',
    `${origin} wants a signature for ${JSON.stringify(audience)}.`,
    { response },
  );
};

/** Waits, unless the signal ends it. */
export const sleep = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
};
