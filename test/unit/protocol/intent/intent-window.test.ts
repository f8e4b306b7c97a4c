import { describe, expect, it } from 'vitest';
import { checkIntentWindow } from '../../../../src/protocol/intent/agent-intent.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { intentOf } from './wire.ts';

const intent = intentOf(vectors.paid.intent);

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
  ])('at %d returns %s', (now, reason) => {
    const result = checkIntentWindow(intent, now);
    expect(result.ok ? undefined : result.error.reason).toBe(reason);
  });

  it('accepts a window of 300 s and rejects a longer one', () => {
    const wide = { ...intent, validBefore: validAfter + 300n };
    expect(checkIntentWindow(wide, from).ok).toBe(true);
    expect(checkIntentWindow({ ...wide, validBefore: validAfter + 301n }, from)).toMatchObject({
      error: { reason: 'window_too_long', field: 'validBefore' },
    });
  });

  it('rejects a window that is empty or inverted', () => {
    for (const end of [validAfter, validAfter - 1n]) {
      expect(checkIntentWindow({ ...intent, validBefore: end }, from)).toMatchObject({
        error: { reason: 'empty_window' },
      });
    }
  });
});
