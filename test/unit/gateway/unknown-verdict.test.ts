import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import { call } from '../../../src/gateway/call.ts';
import { observe } from './fixture.ts';
import { KEY_ACCOUNT, network, scriptedGateway } from './scripted.ts';
import {
  intentFor,
  intentHeader,
  NOW,
  paying,
  paymentHeader,
  paymentOf,
  signIntent,
  vectorConfig,
} from './signing.ts';

const config = vectorConfig();

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const requestOf = (headers: Record<string, string> = {}) =>
  new Request('https://gw.example/tools/translate', { method: 'POST', headers });

const byIntent = async (more: Record<string, string> = {}): Promise<Request> => {
  const seen = await observe(requestOf(), config);
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = await signIntent(intentFor(seen.value.received, paying(20_000n)));
  return requestOf({ ...intentHeader(intent), ...more });
};

describe('a Worker whose account runs a newer release', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
  });

  /** A verdict that a later release may return and this one does not know, with any members. */
  const later = (more: object = {}): ReserveVerdict => {
    const word: unknown = { verdict: 'of_a_later_release', ...more };
    return word as ReserveVerdict;
  };
  const accepted = {
    entry: `0x${'e1'.repeat(32)}`,
    policy: `0x${'b0'.repeat(32)}`,
    charged: 20_000n,
    paidFrom: 'credit',
    limits: [],
  };
  const requests: readonly (readonly [string, () => Promise<Request>])[] = [
    ['an intent', () => byIntent()],
    ['a payment', async () => requestOf(paymentHeader(await paymentOf()))],
    ['a dry run', () => byIntent({ 'Dry-Run': '?1' })],
  ];

  it.for(requests)('runs no tool on an unknown verdict: %s', async ([, request]) => {
    for (const word of [later(), later(accepted)]) {
      const { sent } = network(KEY_ACCOUNT);
      const { gateway, asked } = await scriptedGateway(config, { reserve: async () => word });
      const answer = await call(gateway, await request());
      expect(answer.status).toBe(503);
      expect(sent).toEqual([]);
      expect(asked.map((each) => each.asked)).toEqual(['reserve']);
    }
  });

  it('runs the tool on "go"', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config);
    const answer = await call(gateway, await byIntent());
    expect([answer.status, sent.length]).toEqual([200, 1]);
  });

  it('runs no tool on an unknown verdict after the payment has settled', async () => {
    const { sent } = network(KEY_ACCOUNT);
    let asks = 0;
    const { gateway } = await scriptedGateway(config, {
      reserve: async () => {
        asks += 1;
        return later(accepted);
      },
    });
    const answer = await call(gateway, requestOf(paymentHeader(await paymentOf())));
    expect([answer.status, asks, sent.length]).toEqual([503, 1, 0]);
  });
});
