import type { Context } from './context.ts';
import { CountersignError } from './errors.ts';
import type { Offered } from './hooks.ts';
import type { Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import { race } from './send.ts';
import type { Hold } from './spend.ts';

/** What is to be signed, and how. */
export type Deal = {
  /** Absent where nothing can be charged. */
  readonly offered?: Omit<Offered, 'url' | 'method'>;
  readonly sign: () => Promise<Proof>;
};

/**
 * Asks the hooks and signs. Until this returns nothing has left, so whatever stops it gives the amount back.
 * @throws CountersignError `vetoed`, `signer_failed`; the caller's own abort reason
 */
export const consent = async (
  { hooks }: Pick<Context, 'hooks'>,
  { url, method, signal }: Outgoing,
  hold: Pick<Hold, 'giveBack'> | undefined,
  { offered, sign }: Deal,
): Promise<Proof> => {
  // A wallet or a hook may ask a person, and take for ever: whoever calls may stop waiting, and what is signed afterwards goes nowhere.
  const wait = async <T>(work: () => Promise<T>): Promise<T> =>
    signal === undefined ? await work() : await race(signal, work);
  try {
    if (offered !== undefined) {
      const verdict = await wait(async () =>
        heed(async () => await hooks.onOffer?.({ url, method, ...offered })),
      );
      if (verdict === false) throw new CountersignError('vetoed', 'The hook onOffer said no.');
    }
    signal?.throwIfAborted();
    const proof = await wait(sign);
    const { call, pays, amount } = proof;
    await wait(async () => heed(async () => await hooks.onSign?.({ url, call, pays, amount })));
    signal?.throwIfAborted();
    return proof;
  } catch (cause) {
    hold?.giveBack();
    throw cause;
  }
};

const heed = async (hook: () => Promise<unknown>): Promise<unknown> => {
  try {
    return await hook();
  } catch (cause) {
    throw new CountersignError('vetoed', 'A hook threw an exception.', { cause });
  }
};
