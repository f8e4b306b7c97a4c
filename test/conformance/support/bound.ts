import type { Hex, LocalAccount } from 'viem';
import { type AgentIntent, intentFields } from '../../../src/protocol/intent/agent-intent.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import { base64Json } from '../../support/payment-header.ts';
import { digestOf, paidIntentFor } from './intent.ts';
import { type Advert, advertOf } from './offer.ts';
import { nowSeconds, type Payment, sign, type Terms } from './payment.ts';
import type { Tree } from './refusal.ts';
import type { ToolCall, World } from './world.ts';

/** A payment whose nonce is the digest of an intent, together with that intent. */
export type Bound = Payment & { readonly intent: AgentIntent; readonly advert: Advert };

/**
 * Signs the payment of an intent: the price of the call, the intent's digest as nonce, and `validAfter` as the mark. `terms` override
 * these.
 */
export const signBound = async (
  world: World,
  account: LocalAccount,
  call: ToolCall,
  intent: AgentIntent,
  terms: Terms = {},
): Promise<Bound> => ({
  ...(await sign(world, account, call, {
    nonce: digestOf(intent),
    validAfter: Number(BOUND_VALID_AFTER),
    ...terms,
  })),
  intent,
  advert: advertOf(await world.offer(call)),
});

/** Binds a payment to a call by its 402. `fields` override the intent, `terms` the payment. */
export const bind = async (
  world: World,
  account: LocalAccount,
  call: ToolCall,
  fields: Partial<AgentIntent> = {},
  terms: Terms = {},
): Promise<Bound> =>
  await signBound(
    world,
    account,
    call,
    await paidIntentFor(world, account.address, call, fields),
    terms,
  );

/** The JSON in the header of a bound payment. */
export const boundTree = ({ accepted, payload, intent, advert }: Bound): Tree => ({
  x402Version: 2,
  accepted,
  payload,
  extensions: { 'agent-intent': { info: { ...advert, intent: intentFields(intent) } } },
});

/** The header of a bound payment. */
export const bound = (payment: Bound): { 'PAYMENT-SIGNATURE': string } => ({
  'PAYMENT-SIGNATURE': base64Json(boundTree(payment)),
});

/** Path of an intent's field in problems about a bound payment. */
export const boundField = (field: string): string =>
  `PAYMENT-SIGNATURE.extensions.agent-intent.info.intent.${field}`;

/** Call id of a payment. */
export const callOf = ({ payload }: Payment): Hex => payload.authorization.nonce as Hex;

/** The window of an intent, in seconds from now. */
export const windowFromNow = (
  from: number,
  until: number,
): Pick<AgentIntent, 'validAfter' | 'validBefore'> => {
  const now = nowSeconds();
  return { validAfter: BigInt(now + from), validBefore: BigInt(now + until) };
};
