import { describe, expect, it } from 'vitest';
import { parsePaymentSignature } from '../../../../src/protocol/x402/payment-payload.ts';
import {
  AGENT,
  AUTHORIZATION,
  SIGNATURE,
  changed,
  faultOf,
  header,
  leaves,
  payload2,
} from './fixture.ts';

describe('fields of a payment', () => {
  // Free text in the unsigned echo, where any string is allowed.
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
      ...Object.keys(AUTHORIZATION).map((key) => ['payload', 'authorization', key]),
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
    const value = changed(from, ['payload', 'signature'], `0x${SIGNATURE.slice(2).toUpperCase()}`);
    expect(parsePaymentSignature(header(value))).toMatchObject({
      ok: true,
      value: { authorization: { from: AGENT }, signature: SIGNATURE },
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
});
