import { decodeJwt } from 'jose';
import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { bind, bound } from './support/bound.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import { expectProblem } from './support/expect-answer.ts';
import { agentIntent, signPaidIntent } from './support/intent.ts';
import { manage, okJson } from './support/manage.ts';
import { kindOf } from './support/offer.ts';
import { fundedAccount } from './support/payment.ts';
import { lookup, useSharedWorld } from './support/world.ts';

const world = useSharedWorld();
const operator = privateKeyToAccount(people.operator.privateKey);
const PRICE = 1_000n;
const eventually = { timeout: 30_000, interval: 300 };

const callOf = (answer: Response): string =>
  String(decodeJwt(answer.headers.get('Agent-Receipt') ?? '')['call']);

const refund = (account: string, call: string, body: object = {}, by: LocalAccount = operator) =>
  manage(world(), by, 'calls.refund', {
    ...{ params: { account, call }, body: { reason: 'wrong answer', ...body } },
  });

const show = (account: string, call: string) =>
  okJson<{ call: { refunded?: string; charged: string } }>(
    manage(world(), operator, 'account.call', { params: { account, call } }),
  );

describe('a refund of a paid call', () => {
  it('pays the next call, whose agent has nothing left in its wallet, and happens once', async () => {
    const payer = await fundedAccount(world(), PRICE);
    const account = accountOf(payer.address);
    const paid = await world().send(lookup, bound(await bind(world(), payer, lookup)));
    expect(paid.status, await paid.clone().text()).toBe(200);
    const call = callOf(paid);
    // The wallet is empty now, so the agent cannot pay again.
    const broke = await world().send(lookup, bound(await bind(world(), payer, lookup)));
    expect(broke.status).not.toBe(200);

    const asset = `eip155:84532/erc20:${world().stack.description.usdc.toLowerCase()}`;
    expect(await okJson(refund(account, call))).toEqual({
      ...{ account, call, asset, amount: '1000', refunded: '1000', charged: '1000' },
      ...{ credited_to: account, credit: '1000' },
    });
    const again = await expectProblem(refund(account, call), 409);
    expect([kindOf(again), again.hint]).toEqual([
      'not-writable',
      expect.stringContaining('All of its charge was refunded: $0.001'),
    ]);

    const free = await world().send(
      lookup,
      agentIntent(await signPaidIntent(world(), payer, lookup)),
    );
    expect(free.status, await free.clone().text()).toBe(200);
    // The refund credited the price of exactly one call.
    const none = await world().send(
      lookup,
      agentIntent(await signPaidIntent(world(), payer, lookup)),
    );
    expect(none.status).not.toBe(200);

    await expect
      .poll(async () => (await show(account, call)).call, eventually)
      .toMatchObject({ charged: '1000', refunded: '1000' });
    const entries = (await world().audit.entries(account)).filter(
      (entry) => entry.call === call && entry.type === 'call.refunded',
    );
    expect(entries).toMatchObject([
      {
        amounts: { amount: '1000', refunded: '1000' },
        evidence: { order: { agent: operator.address.toLowerCase() }, role: 'operator' },
      },
    ]);
  });

  it('in parts adds up to the charge, whoever asks how often at once', async () => {
    const payer = await creditedAccount(world(), { credit: 10_000n, balance: 0n });
    const account = accountOf(payer.address);
    const paid = await world().send(
      lookup,
      agentIntent(await signPaidIntent(world(), payer, lookup)),
    );
    const call = callOf(paid);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => refund(account, call, { amount: '300' })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(await okJson(refund(account, call))).toMatchObject({ amount: '100', credit: '10000' });
  });

  it('is rejected for an unknown call, for a malformed amount, and from anyone but an operator', async () => {
    const payer = await creditedAccount(world(), { credit: 10_000n, balance: 0n });
    const account = accountOf(payer.address);
    const unknown = `0x${'ab'.repeat(32)}`;
    expect(kindOf(await expectProblem(refund(account, unknown), 404))).toBe('unknown-call');
    for (const amount of ['0', '-1', '1.5', 5, `${2n ** 53n}`]) {
      const problem = await expectProblem(refund(account, unknown, { amount }), 400);
      expect(problem.field).toBe('body.amount');
    }
    expect(kindOf(await expectProblem(refund(account, unknown, {}, payer), 403))).toBe('forbidden');
  });
});
