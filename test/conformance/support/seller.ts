import type { Hex, LocalAccount } from 'viem';
import { randomNonce, signAuthorization } from '../../../dev/stack/authorization.ts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import { people } from '../../../dev/stack/people.ts';
import { payloadOf } from '../../support/payment-header.ts';
import { nowSeconds, type Payment } from './payment.ts';
import type { World } from './world.ts';

const PRICE = 10_000n;

/** Overrides of a payment to the seller. Amounts in atomic units, times in Unix seconds. */
type SellerTerms = {
  readonly to?: `0x${string}`;
  readonly value?: bigint;
  readonly validAfter?: bigint;
  readonly validBefore?: number;
  readonly nonce?: Hex;
};

/** Signs a payment to the seller. */
export const signForSeller = async (
  account: LocalAccount,
  terms: SellerTerms = {},
): Promise<Payment> => {
  const { to = people.seller, value = PRICE } = terms;
  const signed = await signAuthorization({
    account,
    token: usdc,
    to,
    value,
    validAfter: terms.validAfter ?? 0n,
    validBefore: BigInt(terms.validBefore ?? nowSeconds() + 300),
    nonce: terms.nonce ?? randomNonce(),
  });
  const accepted = {
    scheme: 'exact',
    network: usdc.network,
    amount: value.toString(),
    asset: usdc.address,
    payTo: to,
    maxTimeoutSeconds: 300,
    extra: { name: usdc.name, version: usdc.version },
  } as const;
  return { accepted, payload: payloadOf(signed) };
};

/** The body that a server of x402 v2 sends to its facilitator. */
export const body2 = ({ accepted, payload }: Payment) => ({
  x402Version: 2,
  paymentPayload: { x402Version: 2, accepted, payload },
  paymentRequirements: accepted,
});

/** The body that a server of x402 v1 sends to its facilitator. */
export const body1 = ({ accepted, payload }: Payment) => {
  const { amount: maxAmountRequired, payTo, maxTimeoutSeconds, extra } = accepted;
  const named = { scheme: 'exact', network: 'base-sepolia' };
  return {
    x402Version: 1,
    paymentPayload: { x402Version: 1, ...named, payload },
    paymentRequirements: {
      ...named,
      maxAmountRequired,
      resource: 'https://seller.example/goods',
      description: 'Goods.',
      mimeType: 'application/json',
      outputSchema: null,
      payTo,
      maxTimeoutSeconds,
      asset: usdc.address,
      extra,
    },
  };
};

export type FacilitatorAnswer = {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
};

/** Posts a body to the facilitator unchanged. */
export const postTo = async (
  { stack }: World,
  action: 'verify' | 'settle',
  body: object | string,
): Promise<FacilitatorAnswer> => {
  const answer = await fetch(`${stack.description.gateway}/facilitator/${action}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.status, json: (await answer.json()) as FacilitatorAnswer['json'] };
};
