import { describe, expect, it } from 'vitest';
import type { Tool } from '../../../src/catalog/tool.ts';
import { checkPayment } from '../../../src/gateway/check.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { parseXPayment } from '../../../src/protocol/x402/payment-payload.ts';
import { check, config, fieldOf, isAccepted, type Outcome, ROOT, see } from './payment-fixture.ts';
import {
  addressOf,
  intentFor,
  NOW,
  oldPaymentHeader,
  paying,
  paymentOf,
  type Terms,
  translate,
} from './signing.ts';

describe('the binding', () => {
  const bound = async (fields: Partial<AgentIntent> = {}, terms: Terms = {}) => {
    const observed = await see();
    const signed = intentFor(observed, { ...paying(20_000n), ...fields });
    return { observed, payload: await paymentOf({ intent: signed, ...terms }) };
  };

  it('rejects a payment whose intent was stripped', async () => {
    const { observed, payload } = await bound();
    expect(check(payload, observed)).toMatchObject({ ok: true, value: { binding: 'intent' } });
    const { extensions: _, ...stripped } = payload;
    expect(check(stripped, observed)).toEqual({
      ok: false,
      error: { reason: 'binding_required', field: ROOT, version: 2, because: 'marked' },
    });
  });

  it('rejects the intent of one account with the payment of another', async () => {
    const { observed, payload } = await bound({ agent: addressOf('owner') });
    expect(check(payload, observed)).toMatchObject({
      ok: false,
      error: { reason: 'intent_mismatch', field: `${ROOT}.agent`, got: addressOf('owner') },
    });
  });

  it.each([
    ['payTo', { payTo: addressOf('owner') }],
    ['asset', { asset: addressOf('owner') }],
    ['maxAmount', { maxAmount: 19_999n }],
  ] as const)('an intent with another %s than the payment is refused', async (field, change) => {
    const { observed, payload } = await bound(change);
    expect(check(payload, observed)).toMatchObject({
      ok: false,
      error: { reason: 'intent_mismatch', field: `${ROOT}.${field}` },
    });
  });

  it('rejects an intent that was added to a payment with a random nonce', async () => {
    const { observed, payload } = await bound({}, { nonce: `0x${'77'.repeat(32)}` });
    expect(fieldOf(check(payload, observed))).toBe('PAYMENT-SIGNATURE.payload.authorization.nonce');
  });

  it('is required by a tool with header, field and version', async () => {
    const strict: Tool = { ...translate, requireBinding: 'intent' };
    const { observed, payload } = await bound();
    expect(isAccepted(check(payload, observed, strict))).toBe(true);
    const vanilla = await paymentOf();
    expect(check(vanilla, observed, strict)).toEqual({
      ok: false,
      error: { reason: 'binding_required', field: ROOT, version: 2, because: 'tool' },
    });
    const old = parseXPayment(oldPaymentHeader(vanilla)['X-PAYMENT']);
    if (!old.ok) throw new Error('is a payment');
    expect(checkPayment(config, strict, observed, old.value, NOW)).toEqual({
      ok: false,
      error: { reason: 'binding_required', field: 'X-PAYMENT', version: 1, because: 'tool' },
    });
  });

  it('ignores an offer that a vanilla client echoes without an intent', async () => {
    const observed = await see();
    const payload = {
      ...(await paymentOf()),
      extensions: {
        'agent-intent': {
          info: {
            version: 1,
            audience: 'https://gw.example',
            tool: 'translate',
            binding: 'eip3009-nonce',
          },
        },
        'agent-credit': { info: { version: 1, topUp: 'https://gw.example/credits' } },
      },
    };
    expect(check(payload, observed)).toMatchObject({ ok: true, value: { binding: 'none' } });
  });
});

describe('the two validities of a bound payment', () => {
  const at = (seconds: number) => BigInt(NOW + seconds);
  const timed = async (fields: Partial<AgentIntent>, terms: Terms = {}) => {
    const observed = await see();
    const signed = intentFor(observed, {
      ...paying(20_000n),
      validAfter: at(-200),
      validBefore: at(50),
      ...fields,
    });
    return check(await paymentOf({ intent: signed, validBefore: at(300), ...terms }), observed);
  };
  const outcome = (result: Outcome): string => {
    if (!result.ok) return result.error.reason;
    return result.value.execute ? 'accepted' : 'may only look up';
  };

  it.each([
    ['begins now', { validAfter: at(0) }, {}, 'accepted'],
    ['begins in a second', { validAfter: at(1) }, {}, 'not_yet_valid'],
    ['ends in a second', { validBefore: at(1) }, {}, 'accepted'],
    ['ends now', { validBefore: at(0) }, {}, 'may only look up'],
    ['ended long ago', { validBefore: at(-100) }, {}, 'may only look up'],
    ['lasts 300 s', { validAfter: at(-200), validBefore: at(100) }, {}, 'accepted'],
    ['lasts 301 s', { validAfter: at(-201), validBefore: at(100) }, {}, 'window_too_long'],
    ['lasts nothing', { validAfter: at(50), validBefore: at(50) }, {}, 'empty_window'],
    ['ends with its payment', {}, { validBefore: at(50) }, 'accepted'],
    ['outlives its payment', {}, { validBefore: at(49) }, 'intent_mismatch'],
    ['is settled in 3,660 s', {}, { validBefore: at(3_660) }, 'accepted'],
    ['is settled in 3,661 s', {}, { validBefore: at(3_661) }, 'valid_too_long'],
    ['is settled within 7 s', { validBefore: at(5) }, { validBefore: at(7) }, 'accepted'],
    ['is settled within 6 s', { validBefore: at(5) }, { validBefore: at(6) }, 'may only look up'],
    ['its payment began before now', {}, { validAfter: at(-1) }, 'intent_mismatch'],
    ['its payment begins now', {}, { validAfter: at(0) }, 'intent_mismatch'],
  ] as const)('%s', async (_, fields, terms, expected) => {
    expect(outcome(await timed(fields, terms))).toBe(expected);
  });

  it('limit an upfront payment to 360 s, not 361', async () => {
    const upfront: Tool = { ...translate, settlement: 'upfront' };
    const observed = await see();
    const signed = intentFor(observed, paying(20_000n));
    const until = async (seconds: number) =>
      outcome(
        check(
          await paymentOf({ intent: signed, validBefore: at(seconds), maxTimeoutSeconds: 300 }),
          observed,
          upfront,
        ),
      );
    expect([await until(360), await until(361)]).toEqual(['accepted', 'valid_too_long']);
  });
});
