import { limitHeaders, receiptHeader } from '../../../src/gateway/answer-headers.ts';
import fc from 'fast-check';
import { type Item, parseList, serializeList } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import type { ReceiptClaims } from '../../../src/protocol/receipt.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { config } from './call-fixture.ts';
import { claimsOf, ENTRY, POLICY, scriptedGateway } from './scripted.ts';

useVectorsClock();

const window = {
  rule: 'window:day',
  limit: '20000000',
  spent: '5000000',
  held: '1000000',
  remaining: '14000000',
  resetsAt: 1_000_060,
  window: 86_400,
};
const rate = { rule: 'rate', limit: '600', spent: '1', held: '0', remaining: '599', window: 60 };

describe('limitHeaders', () => {
  it('state quota, window, remaining amount and reset time', () => {
    expect(limitHeaders([window, rate], 1_000_000)).toEqual({
      'RateLimit-Policy': '"window:day";q=20000000;qu="atomic-units";w=86400, "rate";q=600;w=60',
      RateLimit: '"window:day";r=14000000;t=60, "rate";r=599',
    });
  });

  it('are absent without limits', () => {
    expect(limitHeaders([], 0)).toEqual({});
  });

  it('contain no negative time, and no integer beyond RFC 9651', () => {
    const headers = limitHeaders(
      [{ ...window, limit: '9007199254740991', remaining: '9007199254740991' }],
      2_000_000,
    );
    expect(headers).toEqual({
      'RateLimit-Policy': '"window:day";q=999999999999999;qu="atomic-units";w=86400',
      RateLimit: '"window:day";r=999999999999999;t=0',
    });
    for (const value of Object.values(headers)) expect(parseList(value)).toHaveLength(1);
  });

  it('are what a library for RFC 9651 writes, for names of any characters', () => {
    const name = fc.oneof(
      fc.string({ unit: fc.constantFrom('"', '\\', ' ', '~', ',', ';', '=', 'a', 'rate') }),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    const amount = fc.bigInt({ min: 0n, max: 10n ** 18n });
    const limit = fc.record(
      { rule: name, limit: amount, remaining: amount, window: fc.nat(), resetsAt: fc.nat() },
      { requiredKeys: ['rule', 'limit', 'remaining'] },
    );
    const integer = (value: bigint) => Math.min(Number(value), 999_999_999_999_999);
    fc.assert(
      fc.property(fc.array(limit, { minLength: 1, maxLength: 4 }), fc.nat(), (limits, now) => {
        const policies = limits.map(({ rule, limit: quota, window: period }): Item => {
          const parameters = new Map<string, string | number>([['q', integer(quota)]]);
          if (!rule.endsWith('rate')) parameters.set('qu', 'atomic-units');
          if (period !== undefined) parameters.set('w', period);
          return [rule, parameters];
        });
        const states = limits.map(({ rule, remaining, resetsAt }): Item => {
          const parameters = new Map([['r', integer(remaining)]]);
          if (resetsAt !== undefined) parameters.set('t', Math.max(0, resetsAt - now));
          return [rule, parameters];
        });
        const written = () =>
          limitHeaders(
            limits.map((each) => ({
              ...each,
              limit: each.limit.toString(),
              spent: '0',
              held: '0',
              remaining: each.remaining.toString(),
            })),
            now,
          );
        if (limits.every(({ rule }) => /^[\x20-\x7e]*$/.test(rule))) {
          expect(written()).toEqual({
            'RateLimit-Policy': serializeList(policies),
            RateLimit: serializeList(states),
          });
        } else {
          expect(() => serializeList(policies)).toThrow('ASCII');
          expect(written).toThrow('printable ASCII');
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('receiptHeader', () => {
  it('states the call and its end in every claim', async () => {
    const { gateway } = await scriptedGateway(config);
    const account = `eip155:84532:0x${'11'.repeat(20)}` as const;
    const asset = `eip155:84532/erc20:0x${'22'.repeat(20)}` as const;
    const [id, request, response] = [
      `0x${'33'.repeat(32)}`,
      `0x${'44'.repeat(32)}`,
      'none',
    ] as const;
    const receipt = receiptHeader(
      gateway,
      { audience: 'https://gw.example', account, tool: 'translate', call: id, request, asset },
      {
        ...{ binding: 'intent', charged: 20_000n, refunded: 5_000n, status: 200, response },
        ...{ end: 'complete', usage: { output_tokens: 7 }, basis: 'metered' },
        ...{ entry: ENTRY, policy: POLICY },
      },
    );
    const claims: Required<ReceiptClaims> = {
      ...{ iss: 'https://gw.example', agent: account, tool: 'translate', call: id, request },
      ...{ binding: 'intent', charged: '20000', refunded: '5000', asset, status: 200, response },
      ...{ end: 'complete', usage: { output_tokens: 7 }, basis: 'metered' },
      ...{ entry: ENTRY, policy: POLICY, iat: Date.now() / 1000 },
    };
    expect(claimsOf(receipt['Agent-Receipt'])).toEqual(claims);
  });
});
