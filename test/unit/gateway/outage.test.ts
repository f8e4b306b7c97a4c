import { creditsTool } from '../../../src/catalog/gateway-tools.ts';
import { topUp } from '../../../src/gateway/account-api/top-up.ts';
import { call } from '../../../src/gateway/call.ts';
import type { Gateway } from '../../../src/gateway/gateway.ts';
import { observeOwn } from '../../../src/gateway/observe.ts';
import { outageOf } from '../../../src/gateway/reserve.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Evidence, PayerFacts } from '../../../src/protocol/account/call.ts';
import { openChainHealth } from '../../../src/settlement/chain/health.ts';
import { observe } from './fixture.ts';
import { backendsOf, ENTRY, KEY_ACCOUNT, network, POLICY, scriptedGateway } from './scripted.ts';
import {
  intentFor,
  intentHeader,
  NETWORK,
  NOW,
  paying,
  paymentHeader,
  paymentOf,
  signIntent,
  vectorConfig,
} from './signing.ts';
import { describe, expect, it, vi } from 'vitest';
import { useVectorsClock } from '../../support/vectors-clock.ts';

const config = vectorConfig();

useVectorsClock();

type Backends = Gateway['backends'];
const UP: Backends = { ...backendsOf(config), isDown: () => false };
const DOWN: Backends = { ...UP, isDown: (on) => on === NETWORK };

const requestOf = (headers: Record<string, string>) =>
  new Request('https://gw.example/tools/translate', { method: 'POST', headers });
const paid = async (more: Record<string, string> = {}) =>
  requestOf({ ...paymentHeader(await paymentOf()), ...more });
const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

const GO: ReserveVerdict = {
  verdict: 'go',
  entry: ENTRY,
  policy: POLICY,
  charged: 20_000n,
  paidFrom: 'payment',
  limits: [],
};

/** An account that records outages and decides with `decide`. */
const telling = async (decide: (evidence: Evidence) => ReserveVerdict) => {
  const told: Evidence[] = [];
  const { gateway, ...rest } = await scriptedGateway(config, {
    reserve: async (_call, _attempt, evidence) => {
      told.push(evidence);
      return decide(evidence);
    },
  });
  return { ...rest, gateway, told };
};

const halted = ({ outage }: Evidence): ReserveVerdict =>
  outage === undefined ? GO : { verdict: 'settlement_unavailable', ...outage };

describe('an outage', () => {
  const health = (faults: number) => {
    const chainHealth = openChainHealth();
    for (let at = 0; at < faults; at += 1) chainHealth.note(NETWORK, false, NOW);
    return chainHealth;
  };
  const seen = (backends: Backends, faults = 0) =>
    outageOf({ backends, chainHealth: health(faults) }, NETWORK, NOW)?.retryAfter;

  it.each<[string, number | undefined, number | undefined]>([
    ['none while a backend is up', seen(UP), undefined],
    ['15 seconds where nobody knows more', seen(DOWN), 15],
    ['until the next probe', seen({ ...DOWN, probeAt: () => NOW + 7 }), 7],
    ['at least one second', seen({ ...DOWN, probeAt: () => NOW - 3 }), 1],
    ['at most a minute', seen({ ...DOWN, probeAt: () => NOW + 3_600 }), 60],
    ['until a silent chain is asked again', seen(UP, 2), 5],
    ['the longer of both', seen({ ...DOWN, probeAt: () => NOW + 1 }, 2), 5],
    ['none for one lost batch', seen(UP, 1), undefined],
  ])('%s', (_, got, expected) => {
    expect(got).toBe(expected);
  });

  it('concerns one network', () => {
    const settling = { backends: DOWN, chainHealth: health(2) };
    expect(outageOf(settling, 'eip155:8453', NOW)).toBeUndefined();
  });
});

describe('a payment while every backend is down', () => {
  it('gets 503 with Retry-After if the account cannot serve it: never 402, nothing runs, no backend is asked', async () => {
    const { rpc, sent } = network(KEY_ACCOUNT);
    const { gateway, told } = await telling(halted);
    const answer = await call({ ...gateway, backends: DOWN }, await paid());
    expect(answer.status).toBe(503);
    expect(answer.headers.get('Retry-After')).toBe('15');
    expect(answer.headers.get('PAYMENT-REQUIRED')).toBeNull();
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:settlement-unavailable',
      status: 503,
      call: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
    });
    expect(told).toEqual([{ outage: { retryAfter: 15 } }]);
    expect([rpc, sent]).toEqual([[], []]);
  });

  it('is served if the account needs no settlement', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway, told } = await telling(() => GO);
    const answer = await call({ ...gateway, backends: DOWN }, await paid());
    expect(await answer.text()).toBe('answer');
    expect(told).toEqual([{ outage: { retryAfter: 15 } }]);
    expect(sent).toHaveLength(1);
  });

  it('gets the same answer as a dry run', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await telling(halted);
    const down = { ...gateway, backends: DOWN };
    const payment = paymentHeader(await paymentOf());
    const real = await call(down, requestOf(payment));
    const dry = await call(down, requestOf({ ...payment, 'Dry-Run': '?1' }));
    expect([dry.status, dry.headers.get('Retry-After')]).toEqual([503, '15']);
    expect(await bodyOf(dry)).toEqual(await bodyOf(real));
  });

  it('is rejected for a top-up too', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await telling(halted);
    const request = (headers: Record<string, string>) =>
      new Request('https://gw.example/credits?amount=50000', { method: 'POST', headers });
    const observed = await observeOwn(request({}), config, creditsTool(50_000n));
    if (!observed.ok) throw new Error(observed.error.reason);
    const intent = intentFor(observed.value, paying(50_000n));
    const payment = await paymentOf({ intent, value: 50_000n, maxTimeoutSeconds: 300 });
    const answer = await topUp({ ...gateway, backends: DOWN }, request(paymentHeader(payment)));
    expect(answer.status).toBe(503);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:settlement-unavailable',
    });
  });

  it('is reported together with the facts that the account requests', async () => {
    network(KEY_ACCOUNT);
    const { gateway, told } = await telling(({ facts, outage }) =>
      facts === undefined ? { verdict: 'stale_payer' } : halted({ ...(outage && { outage }) }),
    );
    expect((await call({ ...gateway, backends: DOWN }, await paid())).status).toBe(503);
    const facts = expect.objectContaining({ block: 100 }) as PayerFacts;
    expect(told).toEqual([{ outage: { retryAfter: 15 } }, { outage: { retryAfter: 15 }, facts }]);
  });
});

describe('a call without a payment while every backend is down', () => {
  it('is not affected: credit needs no settlement', async () => {
    network(KEY_ACCOUNT);
    const { gateway, told } = await telling(halted);
    const seen = await observe(requestOf({}), config);
    if (!seen.ok) throw new Error(seen.error.reason);
    const proof = await signIntent(intentFor(seen.value.received, paying(20_000n)));
    const answer = await call({ ...gateway, backends: DOWN }, requestOf(intentHeader(proof)));
    expect(answer.status).toBe(200);
    expect(told).toEqual([{}]);
  });

  it('gets the offer as usual', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await telling(halted);
    expect((await call({ ...gateway, backends: DOWN }, requestOf({}))).status).toBe(402);
  });
});

describe('while no node of the chain answers', () => {
  const silence = () => {
    let asked = 0;
    vi.stubGlobal('fetch', async (input: RequestInfo | URL) => {
      if (new URL(new Request(input).url).host !== 'rpc.example') return new Response('answer');
      asked += 1;
      throw new TypeError('connection refused');
    });
    return () => asked;
  };

  it('a payer that must be looked up gets 503 with Retry-After, neither 402 nor 403', async () => {
    silence();
    const { gateway } = await telling(({ facts }) =>
      facts === undefined ? { verdict: 'stale_payer' } : GO,
    );
    const answer = await call(gateway, await paid());
    expect(answer.status).toBe(503);
    expect(answer.headers.get('Retry-After')).toMatch(/^[1-9]$/);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:payer-unreachable',
    });
  });

  it('a payment runs on credit if the account can use it in place of the payment (law 13)', async () => {
    silence();
    const { gateway, told } = await telling(({ isChainSilent }) =>
      isChainSilent === true ? { ...GO, paidFrom: 'credit' } : { verdict: 'stale_payer' },
    );
    expect((await call(gateway, await paid())).status).toBe(200);
    expect(told).toEqual([{}, { isChainSilent: true }]);
    const { gateway: poor } = await telling(({ isChainSilent }) =>
      isChainSilent === true
        ? { verdict: 'settlement_unavailable', retryAfter: 5 }
        : { verdict: 'stale_payer' },
    );
    const refused = await call(poor, await paid());
    expect(await bodyOf(refused)).toMatchObject({ ...{ network: NETWORK, needs: 'payer' } });
  });

  it('the second silence is an outage for a few seconds; known payers continue', async () => {
    const asked = silence();
    const { gateway, told } = await telling(({ outage }) =>
      outage === undefined ? { verdict: 'stale_payer' } : halted({ outage }),
    );
    await call(gateway, await paid());
    await call(gateway, await paid());
    expect(asked()).toBe(2);
    const third = await call(gateway, await paid());
    expect(await bodyOf(third)).toMatchObject({
      type: 'urn:countersign:problem:settlement-unavailable',
    });
    expect(third.headers.get('Retry-After')).toBe('5');
    expect(asked()).toBe(2);
    const { gateway: other } = await telling(() => GO);
    const trusted = { ...other, chainHealth: gateway.chainHealth };
    expect((await call(trusted, await paid())).status).toBe(200);

    vi.setSystemTime((NOW + 5) * 1000);
    network(KEY_ACCOUNT);
    await call(gateway, await paid());
    expect(told.at(-1)).toMatchObject({ facts: { block: 100 } });
    expect(gateway.chainHealth.silentFor(NETWORK, NOW + 5)).toBeUndefined();
  });
});
