import { describe, expect, it } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  bindingMarkOf,
  bindIntent,
  BOUND_VALID_AFTER,
  type ObservedRequest,
} from '../../../../src/protocol/intent/binding.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { intentOf } from './wire.ts';

const intent = intentOf(vectors.paid.intent);
const observed: ObservedRequest = {
  audience: 'https://gw.example',
  tool: 'translate',
  method: 'POST',
  target: '/tools/translate?formality=high',
  contentType: 'application/json',
  payloadDigest: vectors.paid.intent.payloadDigest as Hex,
};

describe('bindIntent', () => {
  it('accepts the request that the agent signed', () => {
    expect(bindIntent(intent, observed)).toEqual({ ok: true, value: intent });
  });

  it.each([
    ['audience', 'https://gw2.example'],
    ['audience', 'https://gw.example/'],
    ['tool', 'enrich'],
    ['method', 'PUT'],
    ['method', 'post'],
    ['target', '/tools/translate?formality=low'],
    ['target', '/tools/enrich?formality=high'],
    ['contentType', 'text/plain'],
    ['contentType', 'application/json '],
    ['payloadDigest', vectors.mustFail.paidIntentMutations.body.change.payloadDigest],
    ['payloadDigest', vectors.mustFail.paidIntentMutations.bodyReserialised.change.payloadDigest],
  ] as [keyof ObservedRequest, string][])('rejects another %s: %s', (field, got) => {
    expect(bindIntent(intent, { ...observed, [field]: got })).toEqual({
      ok: false,
      error: { reason: 'intent_mismatch', field, expected: got, got: observed[field] },
    });
  });
});

describe('bindingMarkOf', () => {
  it('uses the published value, "Coun" in ASCII', () => {
    expect(BOUND_VALID_AFTER.toString()).toBe(vectors.boundValidAfter);
    expect(Buffer.from(BOUND_VALID_AFTER.toString(16), 'hex').toString()).toBe('Coun');
  });

  it.each([
    [0n, 'none'],
    [BOUND_VALID_AFTER - 1n, 'none'],
    [BOUND_VALID_AFTER, 'eip3009-nonce'],
    [BOUND_VALID_AFTER + 1n, 'unknown'],
    [BOUND_VALID_AFTER + 128n, 'unknown'],
    [BOUND_VALID_AFTER + 255n, 'unknown'],
    [BOUND_VALID_AFTER + 256n, 'none'],
    [-BOUND_VALID_AFTER, 'none'],
    [BOUND_VALID_AFTER + (1n << 32n), 'none'],
    [BOUND_VALID_AFTER + (1n << 64n), 'none'],
    [(1n << 256n) - 1n, 'none'],
  ] as const)('reads validAfter %s as %s', (validAfter, mark) => {
    expect(bindingMarkOf(validAfter)).toBe(mark);
  });
});
