import { describe, expect, it } from 'vitest';
import { encodeBase64, utf8 } from '../../../../src/crypto/bytes.ts';
import { parsePaymentSignature } from '../../../../src/protocol/x402/payment-payload.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { intentOf } from '../intent/wire.ts';
import { AUTHORIZATION, PAY_TO, SIGNATURE, changed, faultOf, header, payload2 } from './fixture.ts';

describe('parsePaymentSignature', () => {
  it('reads a payment with its intent and identifier', () => {
    expect(parsePaymentSignature(header(payload2()))).toEqual({
      ok: true,
      value: {
        version: 2,
        network: 'eip155:84532',
        accepted: {
          scheme: 'exact',
          network: 'eip155:84532',
          amount: 20_000n,
          asset: vectors.paid.intent.asset.toLowerCase(),
          payTo: PAY_TO,
          maxTimeoutSeconds: 3600,
          extra: { name: 'USDC', version: '2' },
        },
        authorization: AUTHORIZATION,
        signature: SIGNATURE,
        paymentIdentifier: 'pay_0123456789abcdef',
        intent: intentOf(vectors.paid.intent),
      },
    });
  });

  it.each([null, undefined])('accepts an offer with extra = %s', (extra) => {
    const result = parsePaymentSignature(header(changed(payload2(), ['accepted', 'extra'], extra)));
    expect(result).toMatchObject({ ok: true, value: { accepted: { extra: {} } } });
  });

  it.each([
    ['nothing', '', 'malformed_header'],
    ['no base64', 'not base64!', 'malformed_header'],
    ['base64url', '-_-_', 'malformed_header'],
    ['base64 without its padding', header('xy').replaceAll('=', ''), 'malformed_header'],
    ['no UTF-8', encodeBase64(Uint8Array.of(0x7b, 0xff, 0x7d)), 'malformed_header'],
    ['no JSON', encodeBase64(utf8('{"x402Version":2')), 'malformed_header'],
    ['two headers', `${header(payload2())}, ${header(payload2())}`, 'duplicate_header'],
    ['too much', 'A'.repeat(16_385), 'too_large'],
    ['an array', header([payload2()]), 'malformed_field'],
    ['a string', header('x'), 'malformed_field'],
  ])('rejects %s', (_, text, reason) => {
    expect(faultOf(parsePaymentSignature(text))).toMatchObject({
      reason,
      field: 'PAYMENT-SIGNATURE',
    });
  });

  it('accepts a header of exactly its limit', () => {
    const text = encodeBase64(utf8(JSON.stringify(payload2()).padEnd(12_288, ' ')));
    expect(text.length).toBe(16_384);
    expect(parsePaymentSignature(text).ok).toBe(true);
  });

  it('rejects a duplicate key, which another parser could read differently', () => {
    const text = JSON.stringify(payload2()).replace(
      '"value":"20000"',
      '"value":"1","value":"20000"',
    );
    expect(faultOf(parsePaymentSignature(encodeBase64(utf8(text))))).toMatchObject({
      reason: 'malformed_header',
      field: 'PAYMENT-SIGNATURE.value',
    });
  });

  it('rejects a lone surrogate anywhere', () => {
    const text = JSON.stringify(payload2()).replace('Translates', '\\ud800');
    expect(faultOf(parsePaymentSignature(encodeBase64(utf8(text)))).field).toBe(
      'PAYMENT-SIGNATURE',
    );
  });

  it('shortens and cleans a field name of the caller', () => {
    const fault = faultOf(parsePaymentSignature(header({ ...payload2(), ['\n'.repeat(100)]: 1 })));
    expect(fault.field).toBe(`PAYMENT-SIGNATURE.${'?'.repeat(64)}`);
  });
});
