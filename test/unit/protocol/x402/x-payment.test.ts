import { describe, expect, it } from 'vitest';
import { paymentField } from '../../../../src/protocol/x402/headers.ts';
import { parseXPayment } from '../../../../src/protocol/x402/payment-payload.ts';
import { AUTHORIZATION, SIGNATURE, changed, faultOf, header, leaves, payload1 } from './fixture.ts';

describe('parseXPayment', () => {
  it('reads a payment', () => {
    expect(parseXPayment(header(payload1()))).toEqual({
      ok: true,
      value: {
        version: 1,
        network: 'eip155:84532',
        authorization: AUTHORIZATION,
        signature: SIGNATURE,
      },
    });
  });

  it.each([
    ['base', 'eip155:8453'],
    ['polygon', 'eip155:137'],
    ['avalanche', 'eip155:43114'],
    ['avalanche-fuji', 'eip155:43113'],
    ['sei', 'eip155:1329'],
  ])('reads the network name %s as %s', (name, network) => {
    expect(parseXPayment(header({ ...payload1(), network: name }))).toMatchObject({
      ok: true,
      value: { network },
    });
  });

  it.each(leaves(payload1()))('names the changed field %s %s %s', (...segments) => {
    const path = segments.filter((segment) => segment !== undefined);
    for (const to of [{}, true, null, '\u00e9', undefined]) {
      const fault = faultOf(parseXPayment(header(changed(payload1(), path, to))));
      expect(fault.field).toBe(`X-PAYMENT.${path.join('.')}`);
    }
  });

  it.each([
    ['x402Version', 2, 'unsupported_version'],
    ['scheme', 'upto', 'unsupported_scheme'],
    ['network', 'solana', 'unsupported_network'],
    ['network', 'eip155:84532', 'unsupported_network'],
    ['network', 'constructor', 'unsupported_network'],
    ['network', '__proto__', 'unsupported_network'],
    ['tip', 1, 'unknown_field'],
  ])('rejects %s = %j with %s', (field, to, reason) => {
    expect(faultOf(parseXPayment(header({ ...payload1(), [field]: to })))).toMatchObject({
      reason,
      field: `X-PAYMENT.${field}`,
    });
  });

  it.each([
    ['', 'malformed_header'],
    ['x', 'malformed_header'],
    [`${header(payload1())},${header(payload1())}`, 'duplicate_header'],
    ['A'.repeat(16_385), 'too_large'],
  ])('rejects malformed text with %2$s', (text, reason) => {
    expect(faultOf(parseXPayment(text))).toMatchObject({ reason, field: 'X-PAYMENT' });
  });
});

describe('paymentField', () => {
  it('prefixes a path with the header of the version', () => {
    expect(paymentField(1, 'payload.signature')).toBe('X-PAYMENT.payload.signature');
    expect(paymentField(2, 'accepted.amount')).toBe('PAYMENT-SIGNATURE.accepted.amount');
  });
});
