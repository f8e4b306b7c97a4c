import { decodePaymentSignatureHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import { type Hex, isHex } from 'viem';
import * as z from 'zod/mini';

/** A signed request and its answer, as an observer on the network sees them. */
export type Sighting = {
  readonly header: 'PAYMENT-SIGNATURE' | 'Agent-Intent';
  /** Value of that header. */
  readonly proof: string;
  /** Body of the answer. */
  readonly bytes: Uint8Array;
};

/** The network between agent and gateway. */
export type Wire = {
  readonly fetch: typeof fetch;
  /** Every signed request, oldest first. */
  readonly seen: () => readonly Sighting[];
  /** Forwards the next signed request and loses its answer. */
  readonly loseNextAnswer: () => void;
};

const PROOFS = ['PAYMENT-SIGNATURE', 'Agent-Intent'] as const;

/** Creates a wire that loses nothing until `loseNextAnswer`. */
export const newWire = (through: typeof fetch): Wire => {
  const seen: Sighting[] = [];
  let losing = false;
  return {
    seen: () => seen,
    loseNextAnswer: () => {
      losing = true;
    },
    fetch: async (input, init) => {
      const { headers } = input instanceof Request ? input : new Request(input, init);
      const response = await through(input, init);
      for (const header of PROOFS) {
        const proof = headers.get(header);
        if (proof === null) continue;
        const bytes = new Uint8Array(await response.clone().arrayBuffer());
        seen.push({ header, proof, bytes });
        if (losing) {
          losing = false;
          throw new TypeError('the connection broke off');
        }
      }
      return response;
    },
  };
};

const payloadSchema = z.object({
  authorization: z.object({ nonce: z.custom<Hex>((value) => isHex(value)) }),
});

/** Reads the EIP-3009 nonce of a payment, which is its call id. */
export const nonceOf = (payment: string): Hex =>
  payloadSchema.parse(decodePaymentSignatureHeader(payment).payload).authorization.nonce;

/** Removes the intent that binds a payment to its request. */
export const stripped = (payment: string): string => {
  const payload = decodePaymentSignatureHeader(payment);
  const { 'agent-intent': _intent, ...extensions } = payload.extensions ?? {};
  return encodePaymentSignatureHeader({ ...payload, extensions });
};
