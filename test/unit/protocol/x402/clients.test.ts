import { x402Client } from '@x402/core/client';
import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { wrapFetchWithPayment as wrapOldFetch } from 'x402-fetch';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Result } from '../../../../src/core/result.ts';
import type { WireFault } from '../../../../src/protocol/fault.ts';
import {
  checkAuthorization,
  transferWithAuthorizationDigest,
} from '../../../../src/protocol/x402/authorization.ts';
import { verifyStrict } from '../../../../src/crypto/verifier.ts';
import { offeredExtensions } from '../../../../src/protocol/x402/extensions.ts';
import {
  encodePaymentRequired,
  paymentRequiredBody,
  type Offer,
} from '../../../../src/protocol/x402/offer.ts';
import { PAYMENT_REQUIRED_HEADER } from '../../../../src/protocol/x402/headers.ts';
import type { PaymentPayload } from '../../../../src/protocol/x402/payload-schema.ts';
import {
  parsePaymentSignature,
  parseXPayment,
} from '../../../../src/protocol/x402/payment-payload.ts';
import { matchRequirement, requirementOn } from '../../../../src/protocol/x402/requirement.ts';
import { tokenOf } from '../../../../src/protocol/x402/networks.ts';
import { AGENT, AGENT_KEY, header, requirement } from './fixture.ts';

const account = privateKeyToAccount(AGENT_KEY);
const offers = (['eip155:84532', 'eip155:8453'] as const).map((network): Offer => ({
  resource: {
    url: 'https://gw.example/tools/translate?formality=high',
    description: 'Translates',
    mimeType: 'application/json',
  },
  error: 'Payment required',
  requirements: [requirement(network, 20_000n, 3600)],
  extensions: offeredExtensions('https://gw.example', 'translate'),
}));

/** Runs every check of the gateway that needs no chain. */
const check = (offer: Offer, read: Result<PaymentPayload, WireFault>) => {
  if (!read.ok) throw new Error(`${read.error.field} ${read.error.hint}`);
  const proof = read.value;
  const matched =
    proof.accepted === undefined
      ? requirementOn(offer.requirements, proof.network)
      : matchRequirement(offer.requirements, proof.accepted);
  if (!matched.ok) throw new Error(matched.error.field);
  expect(checkAuthorization(matched.value, proof.authorization, nowSeconds())).toMatchObject({
    ok: true,
  });
  const token = tokenOf(matched.value.network);
  if (token === undefined) throw new Error('the offer is of a pinned token');
  const digest = transferWithAuthorizationDigest(token, proof.authorization);
  expect(verifyStrict(proof.authorization.from, digest, proof.signature)).toEqual({
    ok: true,
    value: AGENT,
  });
  return proof;
};

describe.each(offers)('a payment for the offer on $requirements.0.network', (offer) => {
  const required = () => decodePaymentRequiredHeader(encodePaymentRequired(offer));

  /** A server that requests payment in both x402 versions and records its requests. */
  const server = () => {
    const sent: Headers[] = [];
    const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
      const { headers } = new Request(input, init);
      sent.push(headers);
      if (headers.has('X-PAYMENT') || headers.has('PAYMENT-SIGNATURE')) return new Response('paid');
      return Response.json(paymentRequiredBody(offer), {
        status: 402,
        headers: { [PAYMENT_REQUIRED_HEADER]: encodePaymentRequired(offer) },
      });
    };
    return { fetch, sent };
  };

  it('is accepted from @x402/fetch', async () => {
    const { fetch, sent } = server();
    const client = new x402Client().register('eip155:*', new ExactEvmScheme(account));
    const answer = await wrapFetchWithPayment(fetch, client)(offer.resource.url);
    expect(await answer.text()).toBe('paid');
    expect(sent[1]?.get('X-PAYMENT')).toBeNull();
    check(offer, parsePaymentSignature(sent[1]?.get('PAYMENT-SIGNATURE') ?? ''));
  });

  it('is accepted from x402-fetch 1.2.0', async () => {
    const { fetch, sent } = server();
    const answer = await wrapOldFetch(fetch, account)(offer.resource.url);
    expect(await answer.text()).toBe('paid');
    check(offer, parseXPayment(sent[1]?.get('X-PAYMENT') ?? ''));
  });

  it('carries the payment-identifier of the client', async () => {
    const asked = required();
    asked.extensions = {
      'payment-identifier': { info: { required: false, id: 'pay_0123456789abcdef' } },
    };
    const client = new x402Client().register('eip155:*', new ExactEvmScheme(account));
    const payload = await client.createPaymentPayload(asked);
    const proof = check(offer, parsePaymentSignature(encodePaymentSignatureHeader(payload)));
    expect(proof.paymentIdentifier).toBe('pay_0123456789abcdef');
  });

  it('is accepted from the v1 scheme of the official client', async () => {
    const [accepted] = paymentRequiredBody(offer).accepts;
    if (accepted === undefined) throw new Error('is offered to v1');
    // The v1 scheme expects its own requirement type, but the interface names that of v2.
    const payload = await new ExactEvmSchemeV1(account).createPaymentPayload(1, accepted as never);
    const proof = check(offer, parseXPayment(header(payload)));
    expect(proof.version).toBe(1);
  });
});
