import { describe, expect, it } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  bindIntent,
  checkIntentWindow,
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
  it('takes the request that the intent was signed for', () => {
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
  ] as [keyof ObservedRequest, string][])('refuses another %s: %s', (field, got) => {
    expect(bindIntent(intent, { ...observed, [field]: got })).toEqual({
      ok: false,
      error: { reason: 'intent_mismatch', field, expected: got, got: observed[field] },
    });
  });
});

describe('checkIntentWindow', () => {
  const { validAfter, validBefore } = intent;
  const from = Number(validAfter);
  const until = Number(validBefore);

  it.each([
    [from - 30, undefined],
    [from - 31, 'not_yet_valid'],
    [vectors.clock, undefined],
    [until + 29, undefined],
    [until + 30, 'expired'],
  ])('at %d answers %s', (now, reason) => {
    const result = checkIntentWindow(intent, now);
    expect(result.ok ? undefined : result.error.reason).toBe(reason);
  });

  it('takes a window of 300 s and no longer', () => {
    const wide = { ...intent, validBefore: validAfter + 300n };
    expect(checkIntentWindow(wide, from).ok).toBe(true);
    expect(checkIntentWindow({ ...wide, validBefore: validAfter + 301n }, from)).toMatchObject({
      error: { reason: 'window_too_long', field: 'validBefore' },
    });
  });

  it('refuses a window that is empty or turned round', () => {
    for (const end of [validAfter, validAfter - 1n]) {
      expect(checkIntentWindow({ ...intent, validBefore: end }, from)).toMatchObject({
        error: { reason: 'empty_window' },
      });
    }
  });
});
