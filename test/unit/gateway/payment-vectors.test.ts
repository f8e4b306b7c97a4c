import { describe, expect, it } from 'vitest';
import vectors from '../../vectors/countersign-v1.json';
import { observe } from './fixture.ts';
import {
  check,
  config,
  enrich,
  fieldOf,
  isAccepted,
  ROOT,
  see,
  vector,
  intent,
  payment,
  published,
} from './payment-fixture.ts';
import { addressOf, translate } from './signing.ts';

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
      // The intent has no chain field, so only the nonce covers the chain.
      const asSigned = name === 'chain' ? mutation.intentHash : payment.authorization.nonce;
      expect(FIELDS[name as keyof typeof FIELDS]).toContain(
        fieldOf(check(vector({ intent: mutated, nonce: asSigned }), observed)),
      );
      const result = check(vector({ intent: mutated, nonce: mutation.intentHash }), observed);
      expect(isAccepted(result)).toBe(false);
    },
  );
});
