import { describe, expect, it } from 'vitest';
import {
  checkAuthorization,
  transferWithAuthorizationDigest,
} from '../../../src/protocol/x402/authorization.ts';
import { verifyStrict } from '../../../src/crypto/verifier.ts';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import { checkIntentWindow, intentDigest } from '../../../src/protocol/intent/agent-intent.ts';
import { bindIntent } from '../../../src/protocol/intent/binding.ts';
import type { PaymentPayload } from '../../../src/protocol/x402/payload-schema.ts';
import {
  parsePaymentSignature,
  parseXPayment,
} from '../../../src/protocol/x402/payment-payload.ts';
import { matchRequirement } from '../../../src/protocol/x402/requirement.ts';
import { tokenOf } from '../../../src/protocol/x402/networks.ts';
import vectors from '../../vectors/countersign-v1.json';
import { requirement } from '../protocol/x402/fixture.ts';
import {
  AGENT,
  agentOf,
  base64Json,
  BASE_SEPOLIA,
  binding,
  entry,
  entry1,
  GATEWAY,
  NOW,
  offer,
  offer1,
  scripted,
  served,
  URL_OF_TOOL,
  type Arrived,
} from './server.ts';

const POST = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"text":"hello","to":"fr"}',
};

const proofOf = (arrived: Arrived | undefined): PaymentPayload => {
  const header = arrived?.headers.get('PAYMENT-SIGNATURE') ?? '';
  const parsed = parsePaymentSignature(header);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};

const rawOf = (header: string | null | undefined): Record<string, unknown> =>
  JSON.parse(atob(header ?? '')) as Record<string, unknown>;

const token = tokenOf(BASE_SEPOLIA);

if (token === undefined) throw new Error('no token');

describe('a bound payment', () => {
  it('commits to exactly the request that the client sends, by the rules of the gateway', async () => {
    const server = scripted(
      () => offer(),
      async (arrived) => await served(arrived, proofOf(arrived).authorization.nonce),
    );
    const answer = await agentOf(server).fetch(URL_OF_TOOL, POST);
    const [first, second] = server.arrived;
    expect(first?.headers.has('PAYMENT-SIGNATURE')).toBe(false);
    expect(second?.body).toBe(POST.body);
    expect(second?.redirect).toBe('manual');

    const proof = proofOf(second);
    const { intent, authorization } = proof;
    if (intent === undefined || proof.accepted === undefined) throw new Error('not bound');
    const asked = requirement(BASE_SEPOLIA, 20_000n, 3600);
    expect(matchRequirement([asked], proof.accepted).ok).toBe(true);
    expect(checkAuthorization(asked, authorization, NOW).ok).toBe(true);
    expect(checkIntentWindow(intent, NOW, 0).ok).toBe(true);
    expect(intentDigest(intent, 84532)).toBe(authorization.nonce);
    const seen = {
      audience: GATEWAY,
      tool: 'translate',
      method: 'POST',
      target: '/tools/translate?formality=high',
      contentType: 'application/json',
      payloadDigest: sha256Hex(utf8(POST.body)),
    };
    expect(bindIntent(intent, seen).ok).toBe(true);
    const digest = transferWithAuthorizationDigest(token, authorization);
    expect(verifyStrict(AGENT, digest, proof.signature).ok).toBe(true);
    expect([intent.agent, intent.payTo, intent.asset, intent.maxAmount]).toEqual([
      AGENT,
      authorization.to,
      token.address,
      20_000n,
    ]);
    expect(Number(intent.validBefore)).toBe(NOW + 180);
    expect(Number(authorization.validBefore)).toBe(NOW + 3600);
    expect(authorization.validAfter.toString()).toBe(vectors.boundValidAfter);
    expect(proof.paymentIdentifier).toBeUndefined();

    expect(await answer.text()).toBe('bonjour');
    expect(answer.countersign).toMatchObject({
      paid: 'payment',
      version: 2,
      binding: 'intent',
      call: authorization.nonce,
      charged: 20_000n,
      attempts: 1,
      receipt: { verified: true },
    });
  });

  it('echoes offer and extensions unchanged', async () => {
    const extensions = { ...binding(), other: { info: { deep: [1, { a: null }] } } };
    const accepted = entry({ added: { by: 'server' } });
    const server = scripted(
      () => offer([accepted], extensions),
      () => new Response('ok'),
    );
    await agentOf(server).fetch(URL_OF_TOOL);
    const raw = rawOf(server.arrived[1]?.headers.get('PAYMENT-SIGNATURE'));
    expect(raw['accepted']).toEqual(accepted);
    expect(raw['resource']).toMatchObject({ url: URL_OF_TOOL, description: 'Translates' });
    expect(raw['extensions']).toMatchObject(extensions);
  });

  it('omits extensions that do not fit its header', async () => {
    const extensions = { ...binding(), bulk: { info: { text: 'x'.repeat(11_000) } } };
    const server = scripted(
      () => offer([entry()], extensions),
      () => new Response('ok'),
    );
    await agentOf(server).fetch(URL_OF_TOOL, { method: 'POST', body: 'x'.repeat(10) });
    const raw = rawOf(server.arrived[1]?.headers.get('PAYMENT-SIGNATURE'));
    const size = server.arrived[1]?.headers.get('PAYMENT-SIGNATURE')?.length ?? 0;
    expect(size).toBeLessThanOrEqual(16_384);
    expect(proofOf(server.arrived[1]).intent).toBeDefined();
    expect(Object.keys(raw['extensions'] ?? {})).toEqual(['agent-intent']);
  });

  it('limits the intent to the time in which the payment can settle', async () => {
    const server = scripted(
      () => offer([entry({ maxTimeoutSeconds: 60 })]),
      () => new Response('ok'),
    );
    await agentOf(server).fetch(URL_OF_TOOL);
    const { intent, authorization } = proofOf(server.arrived[1]);
    expect([intent?.validBefore, authorization.validBefore]).toEqual([
      BigInt(NOW + 60),
      BigInt(NOW + 60),
    ]);
  });

  it('is never valid for more than an hour', async () => {
    const server = scripted(
      () => offer([entry({ maxTimeoutSeconds: 10_000_000 })]),
      () => new Response('ok'),
    );
    await agentOf(server).fetch(URL_OF_TOOL);
    expect(proofOf(server.arrived[1]).authorization.validBefore).toBe(BigInt(NOW + 3600));
  });

  it('is not signed for another audience, unless the caller allowed it', async () => {
    const elsewhere = () => offer([entry()], binding({ audience: 'https://other.example' }));
    const refused = scripted(elsewhere);
    const error = await agentOf(refused)
      .fetch(URL_OF_TOOL)
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'audience_mismatch' });
    expect(refused.arrived).toHaveLength(1);

    const named = scripted(elsewhere, () => new Response('ok'));
    const called = new URL(URL_OF_TOOL).origin;
    await agentOf(named, { audiences: { [called]: 'https://other.example/' } }).fetch(URL_OF_TOOL);
    expect(proofOf(named.arrived[1]).intent?.audience).toBe('https://other.example');
  });

  it('is not signed for an audience that the caller allowed another server', async () => {
    const server = scripted(() => offer([entry()], binding({ audience: 'https://other.example' })));
    const error = await agentOf(server, {
      audiences: { 'https://trusted.example': 'https://other.example' },
    })
      .fetch(URL_OF_TOOL)
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'audience_mismatch',
      hint: expect.stringContaining('audiences: {') as unknown,
    });
    expect(server.arrived).toHaveLength(1);
  });
});

describe('a plain payment', () => {
  it('of version 2 has a random nonce and a secret identifier where one is offered', async () => {
    const extensions = { 'payment-identifier': { info: { required: false } } };
    const paid = async () => {
      const server = scripted(
        () => offer([entry()], extensions),
        () => new Response('ok'),
      );
      const answer = await agentOf(server).fetch(URL_OF_TOOL);
      expect(answer.countersign).toMatchObject({ version: 2, binding: 'none', charged: 20_000n });
      return proofOf(server.arrived[1]);
    };
    const [one, two] = [await paid(), await paid()];
    expect(one.intent).toBeUndefined();
    expect(one.paymentIdentifier).toMatch(/^pay_[0-9a-f]{32}$/);
    expect(one.paymentIdentifier).not.toBe(two.paymentIdentifier);
    expect(one.authorization.nonce).not.toBe(two.authorization.nonce);
  });

  it('is signed where agent-intent has an unknown version', async () => {
    const server = scripted(
      () => offer([entry()], binding({ version: 2 })),
      () => new Response('ok'),
    );
    await agentOf(server).fetch(URL_OF_TOOL);
    const raw = rawOf(server.arrived[1]?.headers.get('PAYMENT-SIGNATURE'));
    expect(JSON.stringify(raw['extensions'])).not.toContain('"intent":');
  });

  it('of version 1 is sent where the offer is only in the body', async () => {
    const settled = {
      success: true,
      transaction: `0x${'aa'.repeat(32)}`,
      network: 'base-sepolia',
      payer: AGENT,
    };
    const server = scripted(
      () => offer1(),
      () => new Response('ok', { headers: { 'X-PAYMENT-RESPONSE': base64Json(settled) } }),
    );
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    const parsed = parseXPayment(server.arrived[1]?.headers.get('X-PAYMENT') ?? '');
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    const asked = requirement(BASE_SEPOLIA, 20_000n, 3600);
    expect(checkAuthorization(asked, parsed.value.authorization, NOW).ok).toBe(true);
    const digest = transferWithAuthorizationDigest(token, parsed.value.authorization);
    expect(verifyStrict(AGENT, digest, parsed.value.signature).ok).toBe(true);
    expect(answer.countersign).toMatchObject({
      version: 1,
      binding: 'none',
      charged: 20_000n,
      transaction: `0x${'aa'.repeat(32)}`,
    });
  });
});

describe('the version 1 body', () => {
  it('is ignored where a version 2 header exists', async () => {
    const server = scripted(
      () => offer([entry()], {}),
      () => new Response('ok'),
    );
    await agentOf(server).fetch(URL_OF_TOOL);
    expect(server.arrived[1]?.headers.has('X-PAYMENT')).toBe(false);
  });

  it('may offer other networks as well', async () => {
    const server = scripted(
      () => offer1([entry1({ network: 'solana' }), entry1()]),
      () => new Response('ok'),
    );
    await agentOf(server).fetch(URL_OF_TOOL);
    expect(server.arrived[1]?.headers.has('X-PAYMENT')).toBe(true);
  });
});
