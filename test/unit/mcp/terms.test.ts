import { describe, expect, it } from 'vitest';
import { answerMeta } from '../../../src/mcp/answer-meta.ts';
import { unpaidResult } from '../../../src/mcp/call-result.ts';
import { termsOf } from '../../../src/mcp/terms.ts';
import {
  paymentResponseHeader,
  settledPayment,
} from '../../../src/protocol/x402/payment-response.ts';
import { ORIGIN } from './fixture.ts';
import { addressOf, NETWORK, translate, vectorConfig } from '../gateway/signing.ts';

const config = vectorConfig();

describe('the terms of a tool', () => {
  it('are ASCII, whatever its description holds', () => {
    const told = { ...translate, description: 'Übersetzt «Café» nach 日本語 — schnell \u{1f680}' };
    const terms = termsOf(config, told, ORIGIN);
    const text = JSON.stringify(terms);
    expect(text).toMatch(/^[\x20-\x7e]+$/);
    expect(terms?.version2.resource.description).toMatch(/^Ubersetzt \?Cafe\? nach/);
    // Cloudflare's client encodes the terms with `btoa`, which throws on characters above U+00FF.
    expect(() => btoa(text)).not.toThrow();
  });

  it('state one price in both versions and in words', () => {
    const terms = termsOf(config, translate, ORIGIN);
    expect(terms?.version2.accepts[0]?.amount).toBe('20000');
    expect(terms?.version1.accepts[0]?.maxAmountRequired).toBe('20000');
    expect(terms?.words).toContain('costs $0.02 a call');
  });

  it('explain what a credit tool and a tool that requires binding take', () => {
    const credit = termsOf(config, { ...translate, settlement: 'credit', pricing: 'upto' }, ORIGIN);
    expect(credit?.words).toMatch(/costs at most \$0\.02 a call.*prepaid credit only/);
    expect(credit?.version2.extensions['agent-credit']).toMatchObject({ info: { required: true } });
    const strict = termsOf(config, { ...translate, requireBinding: 'intent' }, ORIGIN);
    expect(strict?.words).toContain('bound to this call');
  });

  it('leave out the version 1 block if no network has a version 1 name', () => {
    const terms = termsOf(config, translate, ORIGIN);
    if (terms === undefined) throw new Error('no terms');
    const result = unpaidResult({ ...terms, version1: { ...terms.version1, accepts: [] } });
    expect(result.content).toHaveLength(2);
  });
});

describe('the _meta of an answer', () => {
  const paid = {
    ...{ payer: addressOf('agent'), network: NETWORK, amount: 20_000n },
    call: `0x${'ab'.repeat(32)}`,
  } as const;

  it.each([1, 2] as const)(
    'has the payment response under both keys, from version %i',
    (version) => {
      const transaction = `0x${'cd'.repeat(32)}` as const;
      const headers = new Headers([
        paymentResponseHeader(version, settledPayment(paid, transaction)) as [string, string],
      ]);
      const response = { success: true, payer: paid.payer, transaction, amount: '20000' };
      expect(answerMeta(headers)).toEqual({
        'x402/payment-response': expect.objectContaining({
          ...response,
          network: NETWORK,
        }) as unknown,
        'x402.payment-response': expect.objectContaining({
          ...response,
          network: 'base-sepolia',
        }) as unknown,
      });
    },
  );

  it('has receipt and limits, and nothing else of the headers', () => {
    const headers = new Headers({
      'Agent-Receipt': 'a.b.c',
      RateLimit: '"rate";r=1',
      'RateLimit-Policy': '"rate";q=2',
      'X-Else': 'a',
    });
    expect(answerMeta(headers)).toEqual({
      'countersign/receipt': 'a.b.c',
      'countersign/ratelimit': '"rate";r=1',
      'countersign/ratelimit-policy': '"rate";q=2',
    });
    expect(answerMeta(new Headers())).toEqual({});
  });
});
