import { describe, expect, it } from 'vitest';
import { encodeBase64, encodeBase64Url, utf8 } from '../../../src/crypto/bytes.ts';
import { proofHeaders } from '../../../src/mcp/proof-headers.ts';

type Json = Readonly<Record<string, unknown>>;

const payment = {
  x402Version: 2,
  accepted: { network: 'eip155:84532' },
  payload: { signature: '0x' },
};
const old = { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload: {} };
const intent = { v: 1, chainId: '84532', intent: {}, signature: '0x' };
const base64 = (value: unknown) => encodeBase64(utf8(JSON.stringify(value)));
const base64Url = (value: unknown) => encodeBase64Url(utf8(JSON.stringify(value)));

const read = (meta: Json, headers: Record<string, string> = {}) => {
  const found = proofHeaders(new Headers(headers), meta);
  return found.ok ? Object.fromEntries(found.value) : found.error;
};

describe('a proof in _meta', () => {
  it.each([
    ['an object', 'x402/payment', payment, 'payment-signature', base64(payment)],
    ['base64', 'x402/payment', base64(payment), 'payment-signature', base64(payment)],
    ['base64url', 'x402/payment', base64Url(payment), 'payment-signature', base64(payment)],
    ['version 1 under the dotted key', 'x402.payment', base64(old), 'x-payment', base64(old)],
    [
      'version 2 under the dotted key',
      'x402.payment',
      payment,
      'payment-signature',
      base64(payment),
    ],
    ['version 1 under the key of version 2', 'x402/payment', old, 'x-payment', base64(old)],
    ['an intent object', 'countersign/intent', intent, 'agent-intent', base64Url(intent)],
    ['an intent text', 'countersign/intent', base64Url(intent), 'agent-intent', base64Url(intent)],
  ])('as %s moves into the header that the gateway reads', (_form, key, value, header, text) => {
    expect(read({ [key]: value }, { 'user-agent': 'a' })).toEqual({
      'user-agent': 'a',
      [header]: text,
    });
  });

  it.each([
    ['a number', 1],
    ['null', null],
    ['an array', [payment]],
    ['no base64', '{}'],
    ['base64 of an array', base64([payment])],
    ['base64 of JSON with a duplicate key', encodeBase64(utf8('{"a":1,"a":2}'))],
    ['too long', 'A'.repeat(16_388)],
  ])('as %s is refused with its key', (_form, value) => {
    for (const key of ['x402/payment', 'x402.payment', 'countersign/intent']) {
      expect(read({ [key]: value })).toMatchObject({
        reason: 'malformed_request',
        field: `_meta["${key}"]`,
      });
    }
  });
});

describe('two proofs', () => {
  const other = { ...payment, payload: { signature: '0x01' } };
  it.each<readonly [Json, Record<string, string>, readonly string[]]>([
    [
      { 'x402/payment': payment, 'x402.payment': other },
      {},
      ['_meta["x402/payment"]', '_meta["x402.payment"]'],
    ],
    [
      { 'x402/payment': payment },
      { 'PAYMENT-SIGNATURE': base64(other) },
      ['PAYMENT-SIGNATURE', '_meta["x402/payment"]'],
    ],
    [
      { 'x402/payment': payment },
      { 'X-PAYMENT': base64(old) },
      ['X-PAYMENT', '_meta["x402/payment"]'],
    ],
    [
      { 'x402/payment': payment, 'countersign/intent': intent },
      {},
      ['_meta["x402/payment"]', '_meta["countersign/intent"]'],
    ],
    [
      { 'countersign/intent': intent },
      { 'Agent-Intent': base64Url({ ...intent, v: 2 }) },
      ['Agent-Intent', '_meta["countersign/intent"]'],
    ],
    [
      {},
      { 'Agent-Intent': base64Url(intent), 'PAYMENT-SIGNATURE': base64(payment) },
      ['PAYMENT-SIGNATURE', 'Agent-Intent'],
    ],
  ])('that differ are refused: %o, %o', (meta, headers, fields) => {
    expect(read(meta, headers)).toEqual({ reason: 'too_many_proofs', fields });
  });

  it('that are equal are one', () => {
    const meta = { 'x402/payment': payment, 'x402.payment': base64Url(payment) };
    expect(read(meta, { 'PAYMENT-SIGNATURE': base64(payment) })).toEqual({
      'payment-signature': base64(payment),
    });
    expect(read({ 'countersign/intent': intent }, { 'Agent-Intent': base64Url(intent) })).toEqual({
      'agent-intent': base64Url(intent),
    });
  });
});

describe('a retry key or a dry run in _meta', () => {
  it('moves into its header', () => {
    expect(read({ 'countersign/retry-key': 'abc', 'countersign/dry-run': true })).toEqual({
      'agent-retry-key': 'abc',
      'dry-run': '?1',
    });
    expect(read({ 'countersign/dry-run': false })).toEqual({ 'dry-run': '?0' });
  });

  it.each<readonly [Json, Record<string, string>]>([
    [{ 'countersign/retry-key': 1 }, {}],
    [{ 'countersign/retry-key': 'a\nb' }, {}],
    [{ 'countersign/retry-key': 'abc' }, { 'Agent-Retry-Key': 'abd' }],
    [{ 'countersign/dry-run': 'yes' }, {}],
    // Otherwise a call that was meant as a dry run would run.
    [{ 'countersign/dry-run': null }, {}],
    [{ 'countersign/dry-run': false }, { 'Dry-Run': '?1' }],
  ])('that is unclear is refused: %o %o', (meta, headers) => {
    expect(read(meta, headers)).toMatchObject({ reason: 'malformed_request' });
  });
});
