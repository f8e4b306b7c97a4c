import { randomUUID } from 'node:crypto';
import { x402Client } from '@x402/core/client';
import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import type { PaymentRequired } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import type { Address, Hex } from 'viem';
import { isHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import * as z from 'zod/mini';
import type { Answer } from './exchange.ts';

/** A payment, signed and ready to be sent. */
export type SignedPayment = {
  /** Value of `PAYMENT-SIGNATURE`. */
  readonly header: string;
  /** Its EIP-3009 nonce, which is the call's id. */
  readonly nonce: Hex;
  /** Whether it carries a `payment-identifier`: whoever shows it again is told the outcome. */
  readonly identified: boolean;
};

/** All that the agent has. */
export type Wallet = {
  readonly address: Address;
  /** Signs the first payment an offer asks for, with the official x402 client. */
  readonly sign: (offer: PaymentRequired) => Promise<SignedPayment>;
};

const IDENTIFIER = 'payment-identifier';

const payloadSchema = z.object({
  authorization: z.object({ nonce: z.custom<Hex>((value) => isHex(value)) }),
});

/** The offer in a 402. Throws when there is none. */
export const offerOf = ({ status, headers }: Answer): PaymentRequired => {
  const header = headers.get('payment-required');
  if (header === null)
    throw new Error(`${status} without PAYMENT-REQUIRED where a price was expected`);
  return decodePaymentRequiredHeader(header);
};

/** The offer with an identifier of ours, if the server takes one: a client may not send extensions nobody offered. */
const identified = (offer: PaymentRequired): PaymentRequired => {
  const offered = offer.extensions?.[IDENTIFIER] as { readonly info?: object } | undefined;
  if (offered === undefined) return offer;
  const info = { ...offered.info, id: `demo_${randomUUID()}` };
  return { ...offer, extensions: { ...offer.extensions, [IDENTIFIER]: { ...offered, info } } };
};

/** The wallet of a private key. */
export const openWallet = (privateKey: Hex): Wallet => {
  const account = privateKeyToAccount(privateKey);
  const client = new x402Client().register('eip155:*', new ExactEvmScheme(account));
  // The client's own cap of a dollar would refuse `enrich` before the gateway could.
  client.setSpendControls(false);
  return {
    address: account.address,
    sign: async (offer) => {
      const asked = identified(offer);
      const payload = await client.createPaymentPayload(asked);
      return {
        header: encodePaymentSignatureHeader(payload),
        nonce: payloadSchema.parse(payload.payload).authorization.nonce,
        identified: payload.extensions?.[IDENTIFIER] !== undefined,
      };
    },
  };
};
