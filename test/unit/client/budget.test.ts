import { createBudget } from '../../../src/client/budget.ts';
import type { Signer } from '../../../src/client/signer.ts';
import {
  account,
  agentOf,
  offer,
  scripted,
  type Step,
  URL_OF_TOOL,
  clientErrorOf,
  countingSigner,
} from './server.ts';
import { describe, expect, it } from 'vitest';

describe('the total', () => {
  const serve: Step = ({ headers }) =>
    headers.has('PAYMENT-SIGNATURE') ? new Response('ok') : offer();

  it('holds for parallel calls', async () => {
    const { signer, count } = countingSigner();
    const server = scripted(...Array<Step>(40).fill(serve));
    const agent = agentOf(server, {
      account: signer,
      spend: { perCall: '$0.05', total: 50_000n },
    });
    const ended = await Promise.allSettled(
      Array.from({ length: 20 }, async () => await agent.fetch(URL_OF_TOOL)),
    );
    expect(ended.filter((each) => each.status === 'fulfilled')).toHaveLength(2);
    for (const each of ended) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'over_total' });
    }
    expect(count()).toBe(2);
    expect(agent.spending()).toEqual({ signed: 40_000n, charged: 40_000n, remaining: 10_000n });
  });

  it('counts signed amounts, also where the server states that it charged nothing', async () => {
    const server = scripted(
      () => offer(),
      () => new Response('no', { status: 500 }),
    );
    const agent = agentOf(server);
    const answer = await agent.fetch(URL_OF_TOOL);
    expect([answer.status, answer.countersign.charged]).toEqual([500, 0n]);
    expect(agent.spending()).toEqual({ signed: 20_000n, charged: 0n, remaining: 980_000n });
  });

  it('returns an amount where the client sent nothing', async () => {
    const broken: Signer = {
      address: account.address,
      signTypedData: async () => await Promise.reject(new Error('locked')),
    };
    const options = [
      [{ account: broken }, 'signer_failed'],
      [{ hooks: { onOffer: () => false } }, 'vetoed'],
      [
        {
          hooks: {
            onOffer: () => {
              throw new Error('no');
            },
          },
        },
        'vetoed',
      ],
      [{ hooks: { onSign: async () => await Promise.reject(new Error('no')) } }, 'vetoed'],
    ] as const;
    for (const [more, code] of options) {
      const server = scripted(() => offer());
      const agent = agentOf(server, more);
      const error = await clientErrorOf(agent.fetch(URL_OF_TOOL));
      expect(error.code).toBe(code);
      expect(server.arrived).toHaveLength(1);
      expect(agent.spending().signed).toBe(0n);
    }
  });

  it('never falls below zero when an amount is returned twice', () => {
    const budget = createBudget(10n);
    const held = budget.takePayment(10n);
    if (!held.ok) throw new Error('not held');
    expect(budget.takePayment(1n)).toEqual({ ok: false, error: { remaining: 0n } });
    held.value.giveBack();
    held.value.giveBack();
    expect(budget.spending()).toEqual({ signed: 0n, charged: 0n, remaining: 10n });
  });
});

describe('the budget for credit', () => {
  it('counts credit that this agent did not pay for, and returns what a call did not charge', () => {
    const budget = createBudget(100n);
    budget.addPrepaid('here', 30n);
    const first = budget.takeCredit('here', 50n);
    if (!first.ok) throw new Error('not held');
    expect(budget.spending().signed).toBe(20n);
    first.value.release(10n);
    first.value.release(0n);
    const second = budget.takeCredit('here', 30n);
    expect([second.ok, budget.spending().signed]).toEqual([true, 20n]);
    expect(budget.takeCredit('elsewhere', 81n)).toEqual({ ok: false, error: { remaining: 80n } });
  });
});

describe('the settled charge of a receipt', () => {
  it('returns nothing of a payment, and the uncharged part of a call from credit once', () => {
    const budget = createBudget(100n);
    const payment = budget.takePayment(40n);
    const credit = budget.takeCredit('key', 40n);
    if (!payment.ok || !credit.ok) throw new Error('over the total');
    payment.value.settle(1n);
    expect(budget.spending().signed).toBe(80n);
    credit.value.settle(10n);
    credit.value.settle(0n);
    expect(budget.spending().signed).toBe(50n);
  });

  it('returns the prepaid part first, and never more than was counted', () => {
    const budget = createBudget(100n);
    budget.addPrepaid('key', 30n);
    const credit = budget.takeCredit('key', 40n);
    if (!credit.ok) throw new Error('over the total');
    expect(budget.spending().signed).toBe(10n);
    credit.value.settle(5n);
    expect(budget.spending().signed).toBe(5n);
    const next = budget.takeCredit('key', 30n);
    expect([next.ok, budget.spending().signed]).toEqual([true, 5n]);
  });
});
