import { describe, expect, it } from 'vitest';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import { creditsTool } from '../../../src/catalog/gateway-tools.ts';
import { call } from '../../../src/gateway/call.ts';
import { observeOwn } from '../../../src/gateway/observe.ts';
import { topUp } from '../../../src/gateway/account-api/top-up.ts';
import { observe } from './fixture.ts';
import { KEY_ACCOUNT, network, POLICY, scriptedGateway } from './scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  NOW,
  paying,
  paymentHeader,
  paymentOf,
  signIntent,
  vectorConfig,
} from './signing.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';

const config = vectorConfig();
const ACCOUNT = `eip155:84532:${addressOf('agent')}` as const;

useVectorsClock();

const requestOf = (headers: Record<string, string> = {}) =>
  new Request('https://gw.example/tools/translate', { method: 'POST', headers });

const signed = async () => {
  const seen = await observe(requestOf(), config);
  if (!seen.ok) throw new Error(seen.error.reason);
  return intentHeader(await signIntent(intentFor(seen.value.received, paying(20_000n))));
};
const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

const dry = (more: Partial<Extract<ReserveVerdict, { verdict: 'dry_run' }>> = {}) => ({
  reserve: async (): Promise<ReserveVerdict> => ({
    verdict: 'dry_run',
    decision: 'go',
    policy: POLICY,
    paidFrom: 'credit',
    limits: [
      {
        rule: 'grant:window:day',
        limit: '1000000',
        spent: '40000',
        held: '0',
        remaining: '960000',
        resetsAt: NOW + 3_600,
        window: 86_400,
        account: ACCOUNT,
      },
      { rule: 'owner:rate', limit: '60', spent: '1', held: '0', remaining: '59', window: 60 },
    ],
    ...more,
  }),
});

describe('a call with Dry-Run: ?1', () => {
  it('returns the decision privately, and neither runs nor finishes the call', async () => {
    const { rpc, sent } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config, dry());
    const answer = await call(gateway, requestOf({ ...(await signed()), 'Dry-Run': '?1' }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(answer.headers.get('RateLimit')).toBe(
      '"grant:window:day";r=960000;t=3600, "owner:rate";r=59',
    );
    expect(answer.headers.get('RateLimit-Policy')).toBe(
      '"grant:window:day";q=1000000;qu="atomic-units";w=86400, "owner:rate";q=60;w=60',
    );
    expect(answer.headers.get('Agent-Receipt')).toBeNull();
    const [reserved] = asked;
    expect(await bodyOf(answer)).toEqual({
      dry_run: true,
      verdict: 'go',
      call: reserved?.asked === 'reserve' && reserved.call.id,
      tool: 'translate',
      price: '20000',
      charged: '0',
      paid_from: 'credit',
      policy: POLICY,
      limits: [
        {
          rule: 'grant:window:day',
          limit: '1000000',
          spent: '40000',
          held: '0',
          remaining: '960000',
          resets_at: NOW + 3_600,
          window: 86_400,
          account: ACCOUNT,
        },
        { rule: 'owner:rate', limit: '60', spent: '1', held: '0', remaining: '59', window: 60 },
      ],
    });
    expect(asked).toMatchObject([{ asked: 'reserve', of: ACCOUNT, call: { dryRun: true } }]);
    expect(asked).toHaveLength(1);
    expect([rpc, sent]).toEqual([[], []]);
  });

  it('settles no payment, also for an upfront tool', async () => {
    const { rpc, sent } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(
      config,
      dry({ decision: 'settle', paidFrom: 'payment', limits: [] }),
    );
    const headers = { ...paymentHeader(await paymentOf()), 'Dry-Run': '?1' };
    const answer = await call(gateway, requestOf(headers));
    expect(await bodyOf(answer)).toMatchObject({ verdict: 'settle', paid_from: 'payment' });
    expect(answer.headers.get('PAYMENT-RESPONSE')).toBeNull();
    expect(asked.map((each) => each.asked)).toEqual(['reserve']);
    expect([rpc, sent]).toEqual([[], []]);
  });

  it('works for a top-up, and moves no money', async () => {
    const { rpc, sent } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(
      config,
      dry({ decision: 'settle', paidFrom: 'payment', limits: [] }),
    );
    const request = (headers: Record<string, string>) =>
      new Request('https://gw.example/credits?amount=50000', { method: 'POST', headers });
    const seen = await observeOwn(request({}), config, creditsTool(50_000n));
    if (!seen.ok) throw new Error(seen.error.reason);
    const payment = await paymentOf({
      intent: intentFor(seen.value, paying(50_000n)),
      value: 50_000n,
      maxTimeoutSeconds: 300,
    });
    const answer = await topUp(gateway, request({ ...paymentHeader(payment), 'Dry-Run': '?1' }));
    expect(await bodyOf(answer)).toMatchObject({
      dry_run: true,
      tool: 'countersign.credits',
      price: '50000',
      charged: '0',
    });
    expect(asked).toMatchObject([{ call: { topUp: { to: ACCOUNT }, dryRun: true } }]);
    expect([rpc, sent]).toEqual([[], []]);
  });

  it('is denied like the call itself', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config, {
      reserve: async ({ account }) => ({
        verdict: 'denied',
        denial: { rule: 'frozen', account, retryAllowed: false, policy: POLICY },
      }),
    });
    const proof = await signed();
    const refused = await call(gateway, requestOf({ ...proof, 'Dry-Run': '?1' }));
    const real = await call(gateway, requestOf(proof));
    expect(refused.status).toBe(403);
    expect(await bodyOf(refused)).toEqual(await bodyOf(real));
    expect(asked.map((each) => each.asked)).toEqual(['reserve', 'reserve']);
  });

  it('asks the chain for the facts that the account requests, like the call', async () => {
    const { rpc } = network(KEY_ACCOUNT);
    const { reserve } = dry();
    const { gateway, asked, rateLimited } = await scriptedGateway(config, {
      reserve: async (_call, _attempt, { facts }) =>
        facts === undefined ? { verdict: 'stale_payer' } : reserve(),
    });
    const answer = await call(gateway, requestOf({ ...(await signed()), 'Dry-Run': '?1' }));
    expect(answer.status).toBe(200);
    expect(asked).toMatchObject([{ call: { dryRun: true } }, { call: { dryRun: true } }]);
    expect(rpc.filter((method) => method === 'eth_getCode')).toHaveLength(1);
    expect(rateLimited).toEqual(['unknown', `facts eip155:84532:${addressOf('agent')}`]);
  });

  it('without a proof gets the offer', async () => {
    const { gateway, asked } = await scriptedGateway(config);
    const offered = await call(gateway, requestOf({ 'Dry-Run': '?1' }));
    const plain = await call(gateway, requestOf());
    expect(offered.status).toBe(402);
    expect(offered.headers.get('PAYMENT-REQUIRED')).toBe(plain.headers.get('PAYMENT-REQUIRED'));
    expect(asked).toEqual([]);
  });
});

describe('the header Dry-Run', () => {
  it.each([{}, { 'Dry-Run': '?0' }])('with no or false runs the call: %o', async (header) => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await call(gateway, requestOf({ ...(await signed()), ...header }));
    expect(await answer.text()).toBe('answer');
    expect(asked[0]).not.toHaveProperty('call.dryRun');
    expect(sent).toHaveLength(1);
    expect(sent[0]?.headers.get('Dry-Run')).toBeNull();
  });

  it.each(['', '1', 'true', '?2', '?1, ?1', '?1, ?0', '?1;a=b', '"?1"', '? 1', 'yes'])(
    'with another value runs nothing: %s',
    async (value) => {
      const { sent } = network(KEY_ACCOUNT);
      const { gateway, asked } = await scriptedGateway(config);
      const answer = await call(gateway, requestOf({ ...(await signed()), 'Dry-Run': value }));
      expect(answer.status).toBe(400);
      expect(await bodyOf(answer)).toMatchObject({
        type: 'urn:countersign:problem:malformed-request',
        field: 'dry-run',
      });
      expect([asked, sent]).toEqual([[], []]);
    },
  );
});
