import { describe, expect, it } from 'vitest';
import { parsePaymentSignature } from '../../../../src/protocol/x402/payment-payload.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { AUTHORIZATION, changed, faultOf, header, payload2 } from './fixture.ts';

describe('extensions of a payment', () => {
  it.each([
    ['resource', null],
    ['extensions', null],
    ['resource', undefined],
    ['extensions', undefined],
    ['extensions', {}],
    ['extensions', { 'payment-identifier': null }],
    ['extensions', { 'payment-identifier': { info: { required: false, id: null } } }],
    ['extensions', { bazaar: { info: { input: {} }, schema: {} } }],
    ['extensions', { 'agent-intent': { info: { version: 1 } } }],
  ])('accepts %s = %j', (field, value) => {
    const result = parsePaymentSignature(header({ ...payload2(), [field]: value }));
    expect(result).toMatchObject({ ok: true, value: { authorization: AUTHORIZATION } });
  });

  it.each([
    ['null', null, ''],
    ['an empty object', {}, '.agent'],
    ['an array', [], ''],
    ['an array of an intent', [vectors.paid.intent], ''],
    ['a string', JSON.stringify(vectors.paid.intent), ''],
    ['an empty string', '', ''],
    ['a number', 0, ''],
    ['false', false, ''],
  ])('rejects an intent that is %s, and never reads it as absent', (_, to, end) => {
    const path = ['extensions', 'agent-intent', 'info', 'intent'];
    const fault = faultOf(parsePaymentSignature(header(changed(payload2(), path, to))));
    expect(fault).toMatchObject({
      reason: 'malformed_field',
      field: `PAYMENT-SIGNATURE.${path.join('.')}${end}`,
    });
  });

  it.each([null, [], '', 0, false])('rejects an extension agent-intent that is %j', (to) => {
    const path = ['extensions', 'agent-intent'];
    const fault = faultOf(parsePaymentSignature(header(changed(payload2(), path, to))));
    expect(fault).toMatchObject({
      reason: 'malformed_field',
      field: 'PAYMENT-SIGNATURE.extensions.agent-intent',
    });
  });

  it.each([
    'short',
    'a'.repeat(15),
    'a'.repeat(129),
    'has space in it 1',
    'has.dot.in.it.123',
    5,
    '',
  ])('rejects the payment-identifier %j', (to) => {
    const path = ['extensions', 'payment-identifier', 'info', 'id'];
    const fault = faultOf(parsePaymentSignature(header(changed(payload2(), path, to))));
    expect(fault.field).toBe(`PAYMENT-SIGNATURE.${path.join('.')}`);
  });

  it.each(['a'.repeat(16), 'Z-_9'.repeat(32)])('accepts the payment-identifier %j', (to) => {
    const path = ['extensions', 'payment-identifier', 'info', 'id'];
    expect(parsePaymentSignature(header(changed(payload2(), path, to)))).toMatchObject({
      ok: true,
      value: { paymentIdentifier: to },
    });
  });

  it('accepts 16 extensions and rejects 17', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, {}]));
    const at = (count: number) =>
      parsePaymentSignature(header({ ...payload2(), extensions: many(count) }));
    expect(at(16).ok).toBe(true);
    expect(faultOf(at(17)).field).toBe('PAYMENT-SIGNATURE.extensions');
  });
});
