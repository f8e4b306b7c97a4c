import { race } from './abort.ts';
import type { Hold } from './budget.ts';
import type { AgentContext } from './context.ts';
import { CountersignError } from './errors.ts';
import type { Offered } from './hooks.ts';
import type { Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';

/** The signature that the agent is about to make. */
export type SigningRequest = {
  /** Absent if the call cannot cost anything. */
  readonly offered?: Omit<Offered, 'url' | 'method'>;
  readonly sign: () => Promise<Proof>;
};

/**
 * Runs the hooks and signs. The request has not left the client yet, so any failure here returns the amount to the budget.
 *
 * @throws CountersignError `vetoed`, `signer_failed`; the caller's own abort reason
 */
export const consent = async (
  { hooks }: Pick<AgentContext, 'hooks'>,
  { url, method, signal }: Outgoing,
  hold: Pick<Hold, 'giveBack'> | undefined,
  { offered, sign }: SigningRequest,
): Promise<Proof> => {
  // A wallet or a hook may wait for a person without end. The caller may abort; the client then discards a later signature.
  const untilAborted = async <T>(work: () => Promise<T>): Promise<T> =>
    signal === undefined ? await work() : await race(signal, work);
  try {
    if (offered !== undefined) {
      const verdict = await untilAborted(async () =>
        vetoable(async () => await hooks.onOffer?.({ url, method, ...offered })),
      );
      if (verdict === false)
        throw new CountersignError('vetoed', 'The hook onOffer returned false.');
    }
    signal?.throwIfAborted();
    const proof = await untilAborted(sign);
    const { call, pays, amount } = proof;
    await untilAborted(async () =>
      vetoable(async () => await hooks.onSign?.({ url, call, pays, amount })),
    );
    signal?.throwIfAborted();
    return proof;
  } catch (cause) {
    hold?.giveBack();
    throw cause;
  }
};

const vetoable = async (hook: () => Promise<unknown>): Promise<unknown> => {
  try {
    return await hook();
  } catch (cause) {
    throw new CountersignError('vetoed', 'A hook threw an exception.', { cause });
  }
};
