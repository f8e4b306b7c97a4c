import type { Signer } from '../client/signer.ts';

/** A wallet that signs questions about a call that waits for an approval, until its user declines. */
export type ApprovalWait = {
  readonly signer: Signer;
  /** Aborts the call with the wallet's error. */
  readonly signal: AbortSignal;
  /** The call waits from now on. */
  readonly begin: () => void;
};

/**
 * Ends the wait for an approval when the wallet does not sign. Attack: the client asks every few seconds for up to an hour, and treats a
 * failing signer like a gateway that does not answer. A gateway that parks each call could open the wallet again after each refusal.
 *
 * @param onSigned called after each question that the wallet signed
 */
export const approvalWait = (signer: Signer, onSigned: () => void): ApprovalWait => {
  const declined = new AbortController();
  let isWaiting = false;
  return {
    signal: declined.signal,
    begin: () => {
      isWaiting = true;
    },
    signer: {
      address: signer.address,
      signTypedData: async (data) => {
        try {
          const signature = await signer.signTypedData(data);
          if (isWaiting) onSigned();
          return signature;
        } catch (thrown) {
          if (isWaiting) declined.abort(thrown);

          throw thrown;
        }
      },
    },
  };
};
