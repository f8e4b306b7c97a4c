import { decodePaymentSignatureHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { type Agent, createAgent } from '../../src/client/index.ts';
import { type Address, type Hex, isHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
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

/** Clients of one key. */
export type Wallet = {
  readonly address: Address;
  readonly wire: Wire;
  /** Countersign's client with low caps. */
  readonly agent: Agent;
  /** Countersign's client with caps so high that only the gateway's limits apply. */
  readonly careless: Agent;
  /** The official x402 client without any extension. */
  readonly stock: (url: string, init: RequestInit) => Promise<Response>;
};

/** Opens the clients of a private key. All their requests pass through one wire. */
export const openWallet = (privateKey: Hex, through: typeof fetch = fetch): Wallet => {
  const account = privateKeyToAccount(privateKey);
  const wire = newWire(through);
  return {
    address: account.address,
    wire,
    agent: createAgent({
      account,
      spend: { perCall: '$0.05', total: '$1.00' },
      fetch: wire.fetch,
    }),
    careless: createAgent({
      account,
      spend: { perCall: '$1000.00', total: '$1000.00' },
      fetch: wire.fetch,
    }),
    stock: wrapFetchWithPaymentFromConfig(wire.fetch, {
      schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(account) }],
    }),
  };
};
