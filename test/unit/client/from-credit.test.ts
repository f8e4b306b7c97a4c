import { describe, expect, it } from 'vitest';
import { intentDigest } from '../../../src/protocol/intent/agent-intent.ts';
import { verifyStrict } from '../../../src/crypto/verifier.ts';
import {
  AGENT,
  agentOf,
  base64Json,
  binding,
  callOf,
  creditLeft,
  entry,
  GATEWAY,
  HASH,
  intentOf,
  offer,
  PAY_TO,
  problem,
  scripted,
  served,
  URL_OF_TOOL,
  type Step,
} from './server.ts';

/** Serves the call and reports the remaining credit. */
const serve =
  (left?: bigint, more: Readonly<Record<string, unknown>> = {}): Step =>
  async (arrived) =>
    await served(arrived, callOf(arrived), more, left === undefined ? {} : creditLeft(left));

const uncovered: Step = () => problem(403, 'denied', { rule: 'credit' });

/** Offers a tool that only credit can pay for. */
const creditOnly = () =>
  offer([entry()], {
    ...binding(),
    'agent-credit': { info: { version: 1, topUp: `${GATEWAY}/credits`, required: true } },
  });

describe('a tool that only credit can pay', () => {
  it('is called from credit that the agent does not know yet', async () => {
    const server = scripted(creditOnly, serve(30_000n));
    const agent = agentOf(server);
    const answer = await agent.fetch(URL_OF_TOOL);
    expect(server.arrived[1]?.headers.has('PAYMENT-SIGNATURE')).toBe(false);
    expect(answer.countersign).toMatchObject({ paid: 'credit', charged: 20_000n });
    expect(agent.spending()).toMatchObject({ signed: 20_000n, charged: 20_000n });
  });

  it('gets no payment where the gateway refuses an intent for its own offer', async () => {
    const mismatch: Step = () => problem(400, 'intent-mismatch');
    const server = scripted(creditOnly, mismatch);
    const agent = agentOf(server);
    await expect(agent.fetch(URL_OF_TOOL)).rejects.toMatchObject({ code: 'credit_refused' });
    expect(server.arrived).toHaveLength(2);
    expect(agent.spending().signed).toBe(0n);
  });

  it('gets no payment after a denial, and the budget counts nothing', async () => {
    const server = scripted(creditOnly, uncovered, creditOnly, uncovered);
    const agent = agentOf(server);
    for (const _ of [1, 2]) {
      const answer = await agent.fetch(URL_OF_TOOL);
      expect(answer.status).toBe(403);
      expect(answer.countersign).toMatchObject({ charged: 0n, problem: { rule: 'credit' } });
    }
    expect(server.arrived.filter(({ headers }) => headers.has('PAYMENT-SIGNATURE'))).toEqual([]);
    expect(agent.spending()).toMatchObject({ signed: 0n, charged: 0n });
  });
});

describe('credit that an answer stated', () => {
  it('pays the next call of the same tool at once, with an intent for exactly its offer', async () => {
    const server = scripted(() => offer(), serve(50_000n), serve(30_000n));
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    const answer = await agent.fetch(URL_OF_TOOL);
    expect(server.arrived).toHaveLength(3);
    const last = server.arrived[2];
    expect(last?.headers.has('PAYMENT-SIGNATURE')).toBe(false);
    expect(last?.redirect).toBe('manual');
    const { intent, chainId, signature } = intentOf(last);
    expect(intent).toMatchObject({
      audience: GATEWAY,
      tool: 'translate',
      payTo: PAY_TO,
      maxAmount: 20_000n,
    });
    expect(verifyStrict(AGENT, intentDigest(intent, chainId), signature).ok).toBe(true);
    expect(answer.countersign).toMatchObject({
      paid: 'credit',
      binding: 'intent',
      charged: 20_000n,
      receipt: { verified: true },
      limits: [
        { rule: 'rate', limit: 60n, remaining: 59n, window: 60, resetsIn: 60 },
        { rule: 'credit', limit: 30_000n, remaining: 30_000n },
      ],
    });
  });

  it('pays another tool after its 402', async () => {
    const other = `${GATEWAY}/tools/other`;
    const server = scripted(
      () => offer(),
      serve(50_000n),
      () => offer([entry()], binding({ tool: 'other' })),
      serve(30_000n, { tool: 'other' }),
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    const answer = await agent.fetch(other);
    expect(intentOf(server.arrived[3]).intent.tool).toBe('other');
    expect(answer.countersign.paid).toBe('credit');
  });

  it('is not used where it does not cover the price', async () => {
    const server = scripted(
      () => offer(),
      serve(19_999n),
      () => offer(),
      serve(19_999n),
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    const answer = await agent.fetch(URL_OF_TOOL);
    expect(answer.countersign.paid).toBe('payment');
  });

  it('is forgotten when the gateway denies it; then the agent signs one payment', async () => {
    const server = scripted(
      () => offer(),
      serve(50_000n),
      uncovered,
      () => offer(),
      serve(),
      () => offer(),
      serve(),
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    const answer = await agent.fetch(URL_OF_TOOL);
    expect(answer.countersign).toMatchObject({ paid: 'payment', charged: 20_000n });
    expect(agent.spending()).toEqual({ signed: 40_000n, charged: 40_000n, remaining: 960_000n });
    expect((await agent.fetch(URL_OF_TOOL)).countersign.paid).toBe('payment');
  });

  it('is not used again in the call that the gateway denied', async () => {
    const server = scripted(
      () => offer(),
      serve(50_000n),
      () => offer([entry()], binding({ tool: 'other' })),
      uncovered,
      serve(undefined, { tool: 'other' }),
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    const answer = await agent.fetch(`${GATEWAY}/tools/other`);
    expect(answer.countersign.paid).toBe('payment');
    expect(agent.spending().signed).toBe(40_000n);
  });

  it('follows the new offer where the price has changed', async () => {
    const server = scripted(
      () => offer(),
      serve(50_000n),
      () => problem(400, 'intent-mismatch', { field: 'maxAmount' }),
      () => offer([entry({ amount: '30000' })]),
      serve(0n, { charged: '30000' }),
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    const answer = await agent.fetch(URL_OF_TOOL);
    expect(answer.countersign.charged).toBe(30_000n);
    expect(server.arrived[4]?.headers.has('PAYMENT-SIGNATURE')).toBe(true);
  });

  it('is not counted twice by parallel calls', async () => {
    const either: Step = (arrived) =>
      arrived.headers.has('Agent-Intent') || arrived.headers.has('PAYMENT-SIGNATURE')
        ? serve(0n)(arrived)
        : offer();
    const server = scripted(() => offer(), serve(20_000n), either, either, either);
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    const [one, two] = await Promise.all([agent.fetch(URL_OF_TOOL), agent.fetch(URL_OF_TOOL)]);
    expect([one?.countersign.paid, two?.countersign.paid].toSorted()).toEqual([
      'credit',
      'payment',
    ]);
  });

  it('stays free where a call did not use it, also when the answer states no limits', async () => {
    const server = scripted(
      () => offer(),
      serve(20_000n),
      serve(undefined, { charged: '0' }),
      serve(0n),
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    await agent.fetch(URL_OF_TOOL);
    expect((await agent.fetch(URL_OF_TOOL)).countersign.paid).toBe('credit');
  });

  it('ends the call where the gateway answers the intent with 402', async () => {
    const server = scripted(
      () => offer(),
      serve(50_000n),
      () => offer(),
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    await expect(agent.fetch(URL_OF_TOOL)).rejects.toMatchObject({ code: 'payment_refused' });
    expect(server.arrived).toHaveLength(3);
  });

  it('belongs to its audience: another gateway cannot get an intent for it', async () => {
    const evil = 'https://evil.example/tool';
    const server = scripted(
      () => offer(),
      serve(50_000n),
      () => offer([entry()], binding({ audience: 'https://evil.example' })),
      () => new Response('ok'),
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    const answer = await agent.fetch(evil);
    expect(answer.countersign.paid).toBe('payment');
  });
});

describe('a payment that settled for a failed call', () => {
  it('is credit that pays the next call and is not counted again', async () => {
    const settled = {
      success: true,
      transaction: HASH,
      network: 'eip155:84532',
      payer: AGENT,
      amount: '20000',
      extra: { status: 'settled' },
    };
    const failed: Step = async (arrived) => {
      const whole = await served(arrived, callOf(arrived), {
        charged: '0',
        status: 0,
        response: 'none',
      });
      const answer = problem(502, 'upstream-dropped', { money: 'credited' });
      answer.headers.set('Agent-Receipt', whole.headers.get('Agent-Receipt') ?? '');
      answer.headers.set('PAYMENT-RESPONSE', base64Json(settled));
      return answer;
    };
    const server = scripted(() => offer(), failed, serve(0n));
    const agent = agentOf(server, { spend: { perCall: '$0.05', total: 20_000n } });
    const first = await agent.fetch(URL_OF_TOOL);
    expect(first.countersign).toMatchObject({
      charged: 0n,
      credited: 20_000n,
      transaction: HASH,
      receipt: { verified: true },
    });
    const second = await agent.fetch(URL_OF_TOOL);
    expect(second.countersign).toMatchObject({ paid: 'credit', charged: 20_000n, credited: 0n });
    expect(agent.spending()).toEqual({ signed: 20_000n, charged: 20_000n, remaining: 0n });
  });
});
