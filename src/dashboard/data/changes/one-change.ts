import { CountersignError } from '../../../client/errors.ts';
import { WalletFault } from '../../session/wallet-refusal.ts';
import type { Change } from './sent-change.ts';

/** The part of the Web Locks API that changes need: the locks that all tabs of a browser share. */
export type Locks = {
  readonly request: (
    name: string,
    options: { readonly ifAvailable: true },
    act: (lock: object | null) => Promise<unknown>,
  ) => Promise<unknown>;
};

/**
 * Wraps a change so that it is refused while another tab of this browser carries out a change of the same subject.
 *
 * Race: two tabs that ask the wallet in the same moment would get two signatures, and the gateway carries out both. Each tab looks for open
 * commands before it asks, when neither has sent one. The lock lasts from before the prompt until the answer, or until its tab is closed.
 */
export const oneChange =
  (locks: Locks, subject: string, change: Change): Change =>
  async (management) => {
    let isAsked = false;
    try {
      return await locks.request(
        `countersign-change ${subject}`,
        { ifAvailable: true },
        async (lock) => {
          isAsked = true;
          if (lock === null) throw elsewhere();
          return await change(management);
        },
      );
    } catch (thrown) {
      // A browser that denies storage denies locks too.
      if (!isAsked) return await change(management);
      throw thrown;
    }
  };

const elsewhere = (): CountersignError =>
  new CountersignError('signer_failed', 'Another tab makes this change.', {
    cause: new WalletFault({
      text: 'Another tab of this browser is making a change about the same.',
      hint: 'Finish it there, or close that tab, then try again.',
    }),
  });
