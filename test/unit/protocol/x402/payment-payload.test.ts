import { describe, expect, it } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Result } from '../../../../src/core/result.ts';
import type { WireFault } from '../../../../src/protocol/fault.ts';
import { encodeBase64, utf8 } from '../../../../src/crypto/bytes.ts';
import {
  parsePaymentSignature,
  parseXPayment,
  type PaymentPayload,
} from '../../../../src/protocol/x402/payment-payload.ts';
import { paymentField } from '../../../../src/protocol/x402/headers.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { intentOf } from '../intent/wire.ts';
import { AGENT, PAY_TO, changed, header, leaves, payload1, payload2 } from './fixture.ts';

const authorization = {
  from: AGENT,
  to: PAY_TO,
  value: 20_000n,
  validAfter: BigInt(vectors.boundValidAfter),
  validBefore: 1_800_000_050n,
  nonce: vectors.paid.intentHash as Hex,
};
const { signature } = vectors.paid.payment;

const faultOf = (result: Result<PaymentPayload, WireFault>): WireFault => {
  if (result.ok) throw new Error('was taken');
  expect(result.error.hint).not.toBe('');
  return result.error;
};

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
        authorization,
        signature,
        paymentIdentifier: 'pay_0123456789abcdef',
        intent: intentOf(vectors.paid.intent),
      },
    });
  });

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
    expect(result).toMatchObject({ ok: true, value: { authorization } });
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

  it.each([null, undefined])('accepts an offer with extra = %s', (extra) => {
    const result = parsePaymentSignature(header(changed(payload2(), ['accepted', 'extra'], extra)));
    expect(result).toMatchObject({ ok: true, value: { accepted: { extra: {} } } });
  });

  // Free text of the unsigned echo: any string is as good as another.
  const FREE = [
    'resource.url',
    'resource.description',
    'resource.mimeType',
    'accepted.extra.name',
    'accepted.extra.version',
    'extensions.payment-identifier.info.required',
    'extensions.agent-intent.info.version',
    'extensions.agent-intent.info.audience',
    'extensions.agent-intent.info.tool',
    'extensions.agent-intent.info.binding',
  ];
  const strict = leaves(payload2()).filter((path) => !FREE.includes(path.join('.')));

  it('rejects a change of every other field', () => {
    expect(strict.map((path) => path.join('.'))).toHaveLength(29);
  });

  it.each(strict)('names the changed field %s %s %s %s %s', (...segments) => {
    const path = segments.filter((segment) => segment !== undefined);
    for (const to of [{}, [], true, '\u00e9', '\ufffd\u0000']) {
      const fault = faultOf(parsePaymentSignature(header(changed(payload2(), path, to))));
      expect({ to, field: fault.field }).toEqual({
        to,
        field: `PAYMENT-SIGNATURE.${path.join('.')}`,
      });
    }
  });

  it.each(
    [
      ['x402Version'],
      ['accepted'],
      ['payload'],
      ['payload', 'signature'],
      ['payload', 'authorization'],
      ...Object.keys(authorization).map((key) => ['payload', 'authorization', key]),
      ...['scheme', 'network', 'amount', 'asset', 'payTo', 'maxTimeoutSeconds'].map((key) => [
        'accepted',
        key,
      ]),
      ['resource', 'url'],
    ].map((path) => ({ path })),
  )('names the missing field $path', ({ path }) => {
    const fault = faultOf(parsePaymentSignature(header(changed(payload2(), path, undefined))));
    expect(fault.field).toBe(`PAYMENT-SIGNATURE.${path.join('.')}`);
  });

  it.each([
    [['tip'], 'tip'],
    [['payload', 'permit2Authorization'], 'payload.permit2Authorization'],
    [['payload', 'authorization', 'salt'], 'payload.authorization.salt'],
    [['accepted', 'discount'], 'accepted.discount'],
    [
      ['extensions', 'agent-intent', 'info', 'intent', 'tip'],
      'extensions.agent-intent.info.intent.tip',
    ],
  ])('rejects the unknown field %j', (path, field) => {
    const fault = faultOf(parsePaymentSignature(header(changed(payload2(), path, 'x'))));
    expect(fault).toMatchObject({
      reason: 'unknown_field',
      field: `PAYMENT-SIGNATURE.${field}`,
    });
  });

  it.each([
    [['x402Version'], 1, 'unsupported_version'],
    [['x402Version'], 3, 'unsupported_version'],
    [['x402Version'], '2', 'unsupported_version'],
    [['accepted', 'scheme'], 'upto', 'unsupported_scheme'],
    [['accepted', 'network'], 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 'unsupported_network'],
    [['accepted', 'network'], 'base-sepolia', 'unsupported_network'],
    [['accepted', 'network'], 'eip155:0', 'unsupported_network'],
    [['accepted', 'network'], 'eip155:084532', 'unsupported_network'],
    [['accepted', 'network'], `eip155:${2 ** 53}`, 'unsupported_network'],
  ])('rejects %j = %j with %s', (path, to, reason) => {
    const fault = faultOf(parsePaymentSignature(header(changed(payload2(), path, to))));
    expect(fault).toMatchObject({ reason, field: `PAYMENT-SIGNATURE.${path.join('.')}` });
  });

  it.each(['', ' 5 ', '5 ', '0x10', '1e3', '-1', '+1', '05', '1.0', '٣', (1n << 256n).toString()])(
    'rejects the integer %j',
    (to) => {
      for (const key of ['value', 'validAfter', 'validBefore']) {
        const path = ['payload', 'authorization', key];
        const fault = faultOf(parsePaymentSignature(header(changed(payload2(), path, to))));
        expect(fault.field).toBe(`PAYMENT-SIGNATURE.${path.join('.')}`);
      }
    },
  );

  it.each([0, -1, 1.5, '300', 2 ** 53, null])('rejects maxTimeoutSeconds = %j', (to) => {
    const path = ['accepted', 'maxTimeoutSeconds'];
    const fault = faultOf(parsePaymentSignature(header(changed(payload2(), path, to))));
    expect(fault.field).toBe('PAYMENT-SIGNATURE.accepted.maxTimeoutSeconds');
  });

  it.each([
    `0x7e5F4552091A69125d5DfCb7b8C2659029395Bdf`,
    `0x${'ab'.repeat(19)}`,
    `0x${'ab'.repeat(21)}`,
    'ab'.repeat(20),
    '',
  ])('rejects the address %j', (to) => {
    for (const path of [
      ['payload', 'authorization', 'from'],
      ['payload', 'authorization', 'to'],
      ['accepted', 'asset'],
      ['accepted', 'payTo'],
    ]) {
      const fault = faultOf(parsePaymentSignature(header(changed(payload2(), path, to))));
      expect(fault.field).toBe(`PAYMENT-SIGNATURE.${path.join('.')}`);
    }
  });

  it('converts addresses and hex from upper to lower case', () => {
    const upper = `0x${AGENT.slice(2).toUpperCase()}`;
    const from = changed(payload2(), ['payload', 'authorization', 'from'], upper);
    const value = changed(from, ['payload', 'signature'], `0x${signature.slice(2).toUpperCase()}`);
    expect(parsePaymentSignature(header(value))).toMatchObject({
      ok: true,
      value: { authorization: { from: AGENT }, signature },
    });
  });

  it.each(['0x', `0x${'ab'.repeat(31)}`, `0x${'ab'.repeat(33)}`, 'ab'.repeat(32)])(
    'rejects the nonce %j',
    (to) => {
      const path = ['payload', 'authorization', 'nonce'];
      const fault = faultOf(parsePaymentSignature(header(changed(payload2(), path, to))));
      expect(fault.field).toBe('PAYMENT-SIGNATURE.payload.authorization.nonce');
    },
  );

  it('accepts signature bytes of up to 8 KiB of text', () => {
    const at = (to: string) =>
      parsePaymentSignature(header(changed(payload2(), ['payload', 'signature'], to)));
    expect(at(`0x${'ab'.repeat(4095)}`).ok).toBe(true);
    for (const to of [`0x${'ab'.repeat(4096)}`, '0x123', 'abcd', '']) {
      expect(faultOf(at(to)).field).toBe('PAYMENT-SIGNATURE.payload.signature');
    }
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

describe('parseXPayment', () => {
  it('reads a payment', () => {
    expect(parseXPayment(header(payload1()))).toEqual({
      ok: true,
      value: { version: 1, network: 'eip155:84532', authorization, signature },
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
