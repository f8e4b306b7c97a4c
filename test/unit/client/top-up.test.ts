import { describe, expect, it } from 'vitest';
import {
  agentOf,
  binding,
  callOf,
  creditLeft,
  entry,
  GATEWAY,
  offer,
  offer1,
  scripted,
  served,
  URL_OF_TOOL,
  type Hex,
  type Step,
} from './server.ts';

/** Serves the call and reports the remaining credit. */
const serve =
  (left?: bigint, more: Readonly<Record<string, unknown>> = {}): Step =>
  async (arrived) =>
    await served(arrived, callOf(arrived), more, left === undefined ? {} : creditLeft(left));

describe('topUp', () => {
  const price = (amount: string) => (): Response =>
    offer([entry({ amount })], binding({ tool: 'countersign.credits' }));
  const credited = (charged: string, left?: bigint): Step =>
    serve(left, { charged, tool: 'countersign.credits' });

  it('pays more than the cap per call, counts once, and pays later calls', async () => {
    const server = scripted(
      price('500000'),
      credited('500000', 500_000n),
      () => offer(),
      serve(480_000n),
      serve(460_000n),
    );
    const agent = agentOf(server, { spend: { perCall: '$0.05', total: '$0.50' } });
    const answer = await agent.topUp(GATEWAY, '$0.50');
    expect(server.arrived[0]).toMatchObject({
      url: `${GATEWAY}/credits?amount=500000`,
      method: 'POST',
    });
    expect(answer.countersign).toMatchObject({ paid: 'payment', charged: 500_000n });
    expect(agent.spending()).toEqual({ signed: 500_000n, charged: 500_000n, remaining: 0n });
    for (let at = 0; at < 2; at += 1) {
      expect((await agent.fetch(URL_OF_TOOL)).countersign.paid).toBe('credit');
    }
    expect(agent.spending().remaining).toBe(0n);
  });

  it('never pays more than the caller chose, nor more than the total', async () => {
    const dear = agentOf(scripted(price('500001')));
    await expect(dear.topUp(GATEWAY, '$0.50')).rejects.toMatchObject({ code: 'over_per_call' });
    const poor = agentOf(scripted(price('500000')), { spend: { perCall: '$1', total: '$0.49' } });
    await expect(poor.topUp(GATEWAY, 500_000n)).rejects.toMatchObject({ code: 'over_total' });
  });

  it('for another account signs only a bound payment, and adds no credit to this account', async () => {
    const to = `eip155:84532:0x${'ab'.repeat(20)}` as const;
    const plain = agentOf(scripted(() => offer([entry()], {})));
    await expect(plain.topUp(GATEWAY, 20_000n, { account: to })).rejects.toMatchObject({
      code: 'binding_unavailable',
    });
    const old = agentOf(scripted(() => offer1()));
    await expect(old.topUp(GATEWAY, 20_000n, { account: to })).rejects.toMatchObject({
      code: 'binding_unavailable',
    });

    const server = scripted(price('20000'), credited('20000'), () => offer(), serve());
    const agent = agentOf(server);
    await agent.topUp(GATEWAY, 20_000n, { account: to });
    expect(server.arrived[0]?.url).toBe(`${GATEWAY}/credits?amount=20000&account=${to}`);
    expect((await agent.fetch(URL_OF_TOOL)).countersign.paid).toBe('payment');
  });

  it('never pays from credit', async () => {
    const server = scripted(
      () => offer(),
      serve(50_000n),
      price('20000'),
      credited('20000', 70_000n),
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    expect((await agent.topUp(GATEWAY, 20_000n)).countersign.paid).toBe('payment');
  });

  it.each([
    ['nowhere', ['gw', 1n, undefined]],
    ['nothing', [GATEWAY, 0n, undefined]],
    ['nobody', [GATEWAY, 1n, 'eip155:1:0xAB']],
  ] as const)('of %s is rejected', async (_, [gateway, amount, to]) => {
    const asked = agentOf(scripted()).topUp(
      gateway,
      amount,
      to === undefined ? {} : { account: to as `eip155:${number}:${Hex}` },
    );
    await expect(asked).rejects.toMatchObject({ code: 'options_invalid' });
  });
});
