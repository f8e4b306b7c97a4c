import type { Tool } from '../../../src/catalog/tool.ts';
import type { Result } from '../../../src/core/result.ts';
import { checkPayment } from '../../../src/gateway/check.ts';
import type { CheckedProof, ReceivedRequest } from '../../../src/gateway/paid-request.ts';
import { type ProofFault, readProof } from '../../../src/gateway/proof.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import type { Reason } from '../../../src/protocol/problem/reason.ts';
import { parseXPayment } from '../../../src/protocol/x402/payment-payload.ts';
import { observe, toolOf } from './fixture.ts';
import {
  addressOf,
  intentFor,
  NOW,
  oldPaymentHeader,
  paying,
  paymentHeader,
  paymentOf,
  type Terms,
  translate,
  vectorConfig,
} from './signing.ts';
import vectors from '../../vectors/countersign-v1.json';
import { describe, expect, it } from 'vitest';

const enrich = toolOf({ id: 'enrich', method: 'POST', path: '/tools/enrich', price: 20_000n });
const put = { ...translate, method: 'PUT' };
const config = vectorConfig([translate, put, enrich]);

const { request: published, intent, payment } = vectors.paid;

const see = async (
  change: { url?: string; method?: string; contentType?: string; body?: string } = {},
): Promise<ReceivedRequest> => {
  const { url, method, contentType, body } = { ...published, ...change };
  const seen = await observe(
    new Request(url, { method, body, headers: { 'Content-Type': contentType } }),
    config,
  );
  if (!seen.ok) throw new Error(seen.error.reason);
  return seen.value.received;
};

/** The published payment with the given changes. */
const vector = (
  changes: {
    readonly intent?: Record<string, string> | undefined;
    readonly nonce?: string;
    readonly signature?: string;
  } = {},
) => ({
  x402Version: 2,
  accepted: {
    scheme: 'exact',
    network: 'eip155:84532',
    amount: '20000',
    asset: intent.asset,
    payTo: intent.payTo,
    maxTimeoutSeconds: 3600,
    extra: { name: 'USDC', version: '2' },
  },
  payload: {
    signature: changes.signature ?? payment.signature,
    authorization: {
      ...payment.authorization,
      nonce: changes.nonce ?? payment.authorization.nonce,
    },
  },
  ...('intent' in changes && changes.intent === undefined
    ? {}
    : { extensions: { 'agent-intent': { info: { intent: changes.intent ?? intent } } } }),
});

type Outcome = Result<CheckedProof, Reason | ProofFault>;

const check = (
  payload: unknown,
  observed: ReceivedRequest,
  tool: Tool = translate,
  now = NOW,
): Outcome => {
  const claimed = readProof(new Headers(paymentHeader(payload)));
  if (!claimed.ok) return claimed;
  if (claimed.value.kind !== 'payment') throw new Error('is a payment');
  return checkPayment(config, tool, observed, claimed.value.payload, now);
};

/** A signature that only a contract could accept does not count as accepted. */
const isAccepted = (result: Outcome): boolean =>
  result.ok && result.value.signedByKey && result.value.execute;
const fieldOf = (result: Outcome): unknown =>
  result.ok || !('field' in result.error) ? undefined : result.error.field;

const ROOT = 'PAYMENT-SIGNATURE.extensions.agent-intent.info.intent';

describe('the published bound payment', () => {
  it('is accepted for its request, with the intent digest as call id', async () => {
    expect(check(vector(), await see())).toMatchObject({
      ok: true,
      value: {
        call: vectors.paid.intentHash,
        binding: 'intent',
        payer: addressOf('agent'),
        audience: 'https://gw.example',
        price: 20_000n,
        execute: true,
        signedByKey: true,
      },
    });
  });

  it.each([
    ['endpoint', { url: 'https://gw.example/tools/enrich?formality=high' }, 'tool'],
    ['query', { url: 'https://gw.example/tools/translate?formality=low' }, 'target'],
    ['body', { body: '{"text":"hello","to":"de"}' }, 'payloadDigest'],
    ['bodyReserialised', { body: '{ "text": "hello", "to": "fr" }' }, 'payloadDigest'],
    ['contentType', { contentType: 'text/plain' }, 'contentType'],
    ['method', { method: 'PUT' }, 'method'],
    ['audience', { url: 'https://second.example/tools/translate?formality=high' }, 'audience'],
  ] as const)(
    'is rejected for a request with another %s, with that field',
    async (_, change, field) => {
      const observed = await see(change);
      const tool = observed.tool === 'enrich' ? enrich : translate;
      const result = check(vector(), observed, tool);
      expect(result).toMatchObject({
        ok: false,
        error: { reason: 'intent_mismatch', field: `${ROOT}.${field}` },
      });
    },
  );

  it('is rejected by a gateway of another audience with the same payTo', async () => {
    const other = { ...config, audiences: ['https://gw2.example'] as const };
    const seen = await observe(
      new Request('https://gw2.example/tools/translate?formality=high', {
        method: 'POST',
        body: published.body,
        headers: { 'Content-Type': published.contentType },
      }),
      other,
    );
    if (!seen.ok) throw new Error('is a request');
    expect(check(vector(), seen.value.received)).toMatchObject({
      ok: false,
      error: {
        reason: 'intent_mismatch',
        field: `${ROOT}.audience`,
        expected: 'https://gw2.example',
        got: 'https://gw.example',
      },
    });
  });
});

describe('every mustFail vector', () => {
  const named: Record<keyof typeof vectors.mustFail.paymentSignatureEncodings, string | undefined> =
    {
      highS: 'high_s',
      v0or1: 'recovery_byte',
      compact2098: undefined,
      trailingByte: undefined,
      wrongParity: undefined,
      zero: 'r_out_of_range',
    };

  it.each(Object.entries(vectors.mustFail.paymentSignatureEncodings))(
    'rejects the signature %s of the payment',
    async (name, signature) => {
      const result = check(vector({ signature }), await see());
      expect(isAccepted(result)).toBe(false);
      const fault = named[name as keyof typeof named];
      if (fault !== undefined) {
        expect(result).toMatchObject({
          ok: false,
          error: {
            reason: 'invalid_signature',
            field: 'PAYMENT-SIGNATURE.payload.signature',
            fault,
          },
        });
      }
    },
  );

  const FIELDS: Record<keyof typeof vectors.mustFail.paidIntentMutations, readonly string[]> = {
    endpoint: [`${ROOT}.target`],
    query: [`${ROOT}.target`],
    body: [`${ROOT}.payloadDigest`],
    bodyReserialised: [`${ROOT}.payloadDigest`],
    contentType: [`${ROOT}.contentType`],
    tool: [`${ROOT}.tool`],
    method: [`${ROOT}.method`],
    audience: [`${ROOT}.audience`],
    recipient: [`${ROOT}.payTo`],
    cap: ['PAYMENT-SIGNATURE.payload.authorization.nonce'],
    expiry: [`${ROOT}.validBefore`],
    authority: ['PAYMENT-SIGNATURE.payload.authorization.nonce'],
    nonce: ['PAYMENT-SIGNATURE.payload.authorization.nonce'],
    chain: ['PAYMENT-SIGNATURE.payload.authorization.nonce'],
  };

  it.each(Object.entries(vectors.mustFail.paidIntentMutations))(
    'rejects the mutation %s of the intent with either nonce',
    async (name, mutation) => {
      const mutated = { ...intent, ...mutation.change };
      const observed = await see();
      // The intent has no chain field: only the nonce covers the chain.
      const asSigned = name === 'chain' ? mutation.intentHash : payment.authorization.nonce;
      expect(FIELDS[name as keyof typeof FIELDS]).toContain(
        fieldOf(check(vector({ intent: mutated, nonce: asSigned }), observed)),
      );
      const result = check(vector({ intent: mutated, nonce: mutation.intentHash }), observed);
      expect(isAccepted(result)).toBe(false);
    },
  );
});

describe('the binding', () => {
  const bound = async (fields: Partial<AgentIntent> = {}, terms: Terms = {}) => {
    const observed = await see();
    const signed = intentFor(observed, { ...paying(20_000n), ...fields });
    return { observed, payload: await paymentOf({ intent: signed, ...terms }) };
  };

  it('rejects a payment whose intent was stripped', async () => {
    const { observed, payload } = await bound();
    expect(check(payload, observed)).toMatchObject({ ok: true, value: { binding: 'intent' } });
    const { extensions: _, ...stripped } = payload;
    expect(check(stripped, observed)).toEqual({
      ok: false,
      error: { reason: 'binding_required', field: ROOT, version: 2, because: 'marked' },
    });
  });

  it('rejects the intent of one account with the payment of another', async () => {
    const { observed, payload } = await bound({ agent: addressOf('owner') });
    expect(check(payload, observed)).toMatchObject({
      ok: false,
      error: { reason: 'intent_mismatch', field: `${ROOT}.agent`, got: addressOf('owner') },
    });
  });

  it.each([
    ['payTo', { payTo: addressOf('owner') }],
    ['asset', { asset: addressOf('owner') }],
    ['maxAmount', { maxAmount: 19_999n }],
  ] as const)('an intent with another %s than the payment is refused', async (field, change) => {
    const { observed, payload } = await bound(change);
    expect(check(payload, observed)).toMatchObject({
      ok: false,
      error: { reason: 'intent_mismatch', field: `${ROOT}.${field}` },
    });
  });

  it('rejects an intent that was added to a payment with a random nonce', async () => {
    const { observed, payload } = await bound({}, { nonce: `0x${'77'.repeat(32)}` });
    expect(fieldOf(check(payload, observed))).toBe('PAYMENT-SIGNATURE.payload.authorization.nonce');
  });

  it('is required by a tool with header, field and version', async () => {
    const strict: Tool = { ...translate, requireBinding: 'intent' };
    const { observed, payload } = await bound();
    expect(isAccepted(check(payload, observed, strict))).toBe(true);
    const vanilla = await paymentOf();
    expect(check(vanilla, observed, strict)).toEqual({
      ok: false,
      error: { reason: 'binding_required', field: ROOT, version: 2, because: 'tool' },
    });
    const old = parseXPayment(oldPaymentHeader(vanilla)['X-PAYMENT']);
    if (!old.ok) throw new Error('is a payment');
    expect(checkPayment(config, strict, observed, old.value, NOW)).toEqual({
      ok: false,
      error: { reason: 'binding_required', field: 'X-PAYMENT', version: 1, because: 'tool' },
    });
  });

  it('ignores an offer that a vanilla client echoes without an intent', async () => {
    const observed = await see();
    const payload = {
      ...(await paymentOf()),
      extensions: {
        'agent-intent': {
          info: {
            version: 1,
            audience: 'https://gw.example',
            tool: 'translate',
            binding: 'eip3009-nonce',
          },
        },
        'agent-credit': { info: { version: 1, topUp: 'https://gw.example/credits' } },
      },
    };
    expect(check(payload, observed)).toMatchObject({ ok: true, value: { binding: 'none' } });
  });
});

describe('the two validities of a bound payment', () => {
  const at = (seconds: number) => BigInt(NOW + seconds);
  const timed = async (fields: Partial<AgentIntent>, terms: Terms = {}) => {
    const observed = await see();
    const signed = intentFor(observed, {
      ...paying(20_000n),
      validAfter: at(-200),
      validBefore: at(50),
      ...fields,
    });
    return check(await paymentOf({ intent: signed, validBefore: at(300), ...terms }), observed);
  };
  const outcome = (result: Outcome): string => {
    if (!result.ok) return result.error.reason;
    return result.value.execute ? 'accepted' : 'may only look up';
  };

  it.each([
    ['begins now', { validAfter: at(0) }, {}, 'accepted'],
    ['begins in a second', { validAfter: at(1) }, {}, 'not_yet_valid'],
    ['ends in a second', { validBefore: at(1) }, {}, 'accepted'],
    ['ends now', { validBefore: at(0) }, {}, 'may only look up'],
    ['ended long ago', { validBefore: at(-100) }, {}, 'may only look up'],
    ['lasts 300 s', { validAfter: at(-200), validBefore: at(100) }, {}, 'accepted'],
    ['lasts 301 s', { validAfter: at(-201), validBefore: at(100) }, {}, 'window_too_long'],
    ['lasts nothing', { validAfter: at(50), validBefore: at(50) }, {}, 'empty_window'],
    ['ends with its payment', {}, { validBefore: at(50) }, 'accepted'],
    ['outlives its payment', {}, { validBefore: at(49) }, 'intent_mismatch'],
    ['is settled in 3,660 s', {}, { validBefore: at(3_660) }, 'accepted'],
    ['is settled in 3,661 s', {}, { validBefore: at(3_661) }, 'valid_too_long'],
    ['is settled within 7 s', { validBefore: at(5) }, { validBefore: at(7) }, 'accepted'],
    ['is settled within 6 s', { validBefore: at(5) }, { validBefore: at(6) }, 'may only look up'],
    ['its payment began before now', {}, { validAfter: at(-1) }, 'intent_mismatch'],
    ['its payment begins now', {}, { validAfter: at(0) }, 'intent_mismatch'],
  ] as const)('%s', async (_, fields, terms, expected) => {
    expect(outcome(await timed(fields, terms))).toBe(expected);
  });

  it('limit an upfront payment to 360 s, not 361', async () => {
    const upfront: Tool = { ...translate, settlement: 'upfront' };
    const observed = await see();
    const signed = intentFor(observed, paying(20_000n));
    const until = async (seconds: number) =>
      outcome(
        check(
          await paymentOf({ intent: signed, validBefore: at(seconds), maxTimeoutSeconds: 300 }),
          observed,
          upfront,
        ),
      );
    expect([await until(360), await until(361)]).toEqual(['accepted', 'valid_too_long']);
  });
});
