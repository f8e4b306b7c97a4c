import { describe, expect, it } from 'vitest';
import { createAgent } from '../../../src/client/index.ts';
import type { Offered } from '../../../src/client/index.ts';
import { USD, USD_ADDRESS } from '../../../src/protocol/fiat-asset.ts';
import {
  account,
  agentOf,
  callOf,
  GATEWAY,
  intentOf,
  NOW,
  PAY_TO,
  problem,
  scripted,
  served,
  type Step,
  URL_OF_TOOL,
} from './server.ts';

const HEADER = {
  'WWW-Authenticate': `AgentIntent error="intent_required", audience="${GATEWAY}", chains="eip155:84532", max_validity="300", tool="translate", asset="iso4217:USD"`,
};
const PRICE = {
  ...{ asset: USD, amount: '20000000', dollars: '$20.00', pricing: 'upto' },
  payees: { 'eip155:84532': PAY_TO },
};
const challenge =
  (price: unknown = PRICE): Step =>
  () =>
    problem(401, 'intent-required', { price }, HEADER);
const serve =
  (charged = '20000000'): Step =>
  async (arrived) =>
    await served(arrived, callOf(arrived), { asset: USD, charged });

const SPEND = {
  ...{ perCall: '$0.05', total: '$1' },
  card: { perCall: '$25.00', total: '$50.00' },
} as const;
const rejects = async (
  steps: readonly Step[],
  spend: Parameters<typeof createAgent>[0]['spend'],
) => {
  const server = scripted(...steps);
  const agent = agentOf(server, { spend });
  const rejected = agent.fetch(URL_OF_TOOL).catch((cause: unknown) => cause);
  return { error: await rejected, sent: server.arrived.length, spending: agent.spending() };
};

describe('a tool that a card of the operator pays', () => {
  it('is called with an intent in the currency, at most at its price', async () => {
    const server = scripted(challenge(), serve());
    const agent = agentOf(server, { spend: SPEND });
    const answer = await agent.fetch(URL_OF_TOOL);
    expect(answer.countersign).toMatchObject({
      ...{ paid: 'card', charged: 20_000_000n, binding: 'intent' },
      receipt: { verified: true, claims: { asset: USD } },
    });
    const { intent } = intentOf(server.arrived[1]);
    expect(intent).toMatchObject({
      ...{ tool: 'translate', payTo: PAY_TO, asset: USD_ADDRESS, maxAmount: 20_000_000n },
    });
    expect(server.arrived[1]?.headers.has('PAYMENT-SIGNATURE')).toBe(false);
  });

  it('counts in a budget of its own, and never in that of tokens', async () => {
    const server = scripted(challenge(), serve('12500000'), challenge(), serve());
    const agent = agentOf(server, { spend: SPEND });
    await agent.fetch(URL_OF_TOOL);
    await agent.fetch(URL_OF_TOOL);
    expect(agent.spending()).toEqual({
      ...{ signed: 0n, charged: 0n, remaining: 1_000_000n },
      card: { signed: 32_500_000n, charged: 32_500_000n, remaining: 17_500_000n },
    });
  });

  it('gets no signature without spend.card', async () => {
    const { error, sent } = await rejects([challenge()], { perCall: '$100', total: '$100' });
    expect([sent, error]).toMatchObject([1, { code: 'asset_not_allowed' }]);
    expect(String(error)).toContain('$20.00');
  });

  it.each([
    ['over_per_call', { perCall: '$19.999999', total: '$50.00' }],
    ['over_total', { perCall: '$25.00', total: '$19.999999' }],
  ] as const)('gets no signature %s', async (code, card) => {
    const { error, sent, spending } = await rejects([challenge()], { ...SPEND, card });
    expect([sent, error]).toMatchObject([1, { code }]);
    expect(spending.card?.signed).toBe(0n);
  });

  it('gets no signature for a payee that the agent may not pay', async () => {
    const payees = ['0x0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e'];
    const { error } = await rejects([challenge()], { ...SPEND, payees });
    expect(error).toMatchObject({ code: 'payee_not_allowed' });
  });

  it.each([
    ['no price', undefined],
    ['another currency', { ...PRICE, asset: 'iso4217:EUR' }],
    ['a negative amount', { ...PRICE, amount: '-1' }],
    ['an amount in dollars', { ...PRICE, amount: '20.00' }],
    ['no payee of a known chain', { ...PRICE, payees: { 'eip155:1': PAY_TO } }],
    ['a malformed payee', { ...PRICE, payees: { 'eip155:84532': 'shop' } }],
  ])('gets no signature for a challenge with %s', async (_, price) => {
    const { error, sent } = await rejects([challenge(price ?? null)], SPEND);
    expect([sent, error]).toMatchObject([1, { code: 'challenge_malformed' }]);
  });

  it('asks the hook first, which may refuse', async () => {
    const seen: Offered[] = [];
    const server = scripted(challenge());
    const agent = agentOf(server, {
      spend: SPEND,
      hooks: {
        onOffer: (offered) => {
          seen.push(offered);
          return false;
        },
      },
    });
    await expect(agent.fetch(URL_OF_TOOL)).rejects.toMatchObject({ code: 'vetoed' });
    expect(seen).toMatchObject([
      { paysFrom: 'card', requirement: { amount: 20_000_000n, asset: USD_ADDRESS, payTo: PAY_TO } },
    ]);
    expect(agent.spending().card?.signed).toBe(0n);
  });

  it('gives its budget back after a denial, and keeps it counted after an unclear answer', async () => {
    const denied = await rejects(
      [challenge(), () => problem(403, 'denied', { rule: 'lifetime' })],
      SPEND,
    );
    expect(denied.spending.card?.signed).toBe(0n);
    const unclear = await rejects([challenge(), () => problem(502, 'upstream-dropped')], SPEND);
    expect(unclear.spending.card).toMatchObject({ signed: 20_000_000n });
  });

  it('counts parallel calls together', async () => {
    const server = scripted(challenge(), challenge(), challenge(), serve(), serve());
    const agent = agentOf(server, { spend: SPEND });
    const ends = await Promise.allSettled(
      [1, 2, 3].map(async () => await agent.fetch(URL_OF_TOOL)),
    );
    expect(ends.map(({ status }) => status).toSorted()).toEqual([
      ...['fulfilled', 'fulfilled', 'rejected'],
    ]);
    expect(agent.spending().card?.remaining).toBe(10_000_000n);
  });

  it.each([{ perCall: '$1' }, { perCall: 1, total: '$1' }])('refuses caps like %o', (card) => {
    const spend = { ...SPEND, card } as never;
    expect(() => createAgent({ account, spend, now: () => NOW })).toThrow(/spend\.card/);
  });
});
