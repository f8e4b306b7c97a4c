import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { submitCancellation, signCancellation } from '../../dev/stack/authorization.ts';
import { mint, usdc, usdcBalance } from '../../dev/stack/chain-access.ts';
import { people } from '../../dev/stack/people.ts';
import type { AgentIntent } from '../../src/protocol/intent/agent-intent.ts';
import { bind, bound, callOf } from './support/bound.ts';
import { accountOf, creditedAccount, rateLimitOf, topUp } from './support/credit.ts';
import { agentIntent, digestOf, retryKey, sha256, signPaidIntent } from './support/intent.ts';
import { kindOf, paymentResponse, type Problem, readProblem } from './support/offer.ts';
import {
  fundedAccount,
  isUsed,
  newAccount,
  pay,
  sign,
  transfersFrom,
  trustedAccount,
  v2,
} from './support/payment.ts';
import { claimsOf, verify } from './support/receipt.ts';
import { refusal } from './support/refusal.ts';
import { deployContractWallet } from './support/wallet.ts';
import {
  lookup,
  notarise,
  report,
  summarise,
  type ToolCall,
  translate,
  useWorld,
} from './support/world.ts';

/** The facilitator settles only after this promise resolves. */
let settling = Promise.resolve();
const world = useWorld({
  wrapFacilitator: (real) => async (request) => {
    if (new URL(request.url).pathname === '/settle') await settling;
    return await real(request);
  },
});

const CREDIT = 500_000n;
const OTHER = '0x1111111111111111111111111111111111111111';

let account: LocalAccount;
beforeAll(async () => {
  account = await creditedAccount(world(), { credit: CREDIT, balance: 0n });
});

describe('a call from credit', () => {
  it.each<[string, ToolCall, bigint]>([
    ['lookup', lookup, 1_000n],
    ['translate', translate, 20_000n],
    ['report', report, 50_000n],
    ['notarise', notarise, 10_000n],
  ])('of %s is charged, reported and limited, and moves no money', async (tool, call, price) => {
    const { client, payTo } = world();
    const [received, before] = [await usdcBalance(client, payTo), await world().counts()];
    const signed = await signPaidIntent(world(), account, call);
    const answer = await world().send(call, agentIntent(signed));
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await claimsOf(world(), answer)).toMatchObject({
      ...{ tool, call: digestOf(signed.intent), binding: 'intent', charged: price.toString() },
      ...{ agent: accountOf(account.address), response: sha256(text) },
    });
    const limit = rateLimitOf(answer, 'credit');
    expect(limit?.q).toBe(limit?.r);
    expect(Number(CREDIT) - Number(limit?.r)).toBeGreaterThanOrEqual(Number(price));
    expect(answer.headers.get('RateLimit-Policy')).toMatch(/"credit";q=\d+;qu="atomic-units"/);
    expect(await world().counts()).toEqual({
      ...before,
      [tool]: before[tool as keyof typeof before] + 1,
    });

    const shown = { ...agentIntent(signed), ...retryKey(signed.intent) };
    const again = await world().send(call, shown);
    expect([again.status, await again.text()]).toEqual([200, text]);
    expect(await usdcBalance(client, payTo)).toBe(received);
    const next = await world().send(
      lookup,
      agentIntent(await signPaidIntent(world(), account, lookup)),
    );
    expect(Number(limit?.r) - Number(rateLimitOf(next, 'credit')?.r)).toBe(1_000);
    await expect
      .poll(() => world().audit.call(digestOf(signed.intent)), { timeout: 30_000, interval: 200 })
      .toMatchObject({ charged: Number(price), paid_by: 'credit', binding: 'intent', tool });
  });

  it('is charged the price when its intent allows more', async () => {
    const signed = await signPaidIntent(world(), account, lookup, { maxAmount: 1_000_000n });
    const answer = await world().send(lookup, agentIntent(signed));
    expect(await claimsOf(world(), answer)).toMatchObject({ charged: '1000' });
  });

  it.each<[string, Partial<AgentIntent>, string]>([
    ['no payee', { payTo: `0x${'0'.repeat(40)}` }, 'payTo'],
    ['another payee', { payTo: OTHER }, 'payTo'],
    ['no asset', { asset: `0x${'0'.repeat(40)}` }, 'asset'],
    ['another asset', { asset: OTHER }, 'asset'],
    ['no amount', { maxAmount: 0n }, 'maxAmount'],
    ['a unit less than the price', { maxAmount: 999n }, 'maxAmount'],
  ])(
    'with %s in its intent is rejected, and the problem names the field',
    async (_, fields, field) => {
      const signed = await signPaidIntent(world(), account, lookup, fields);
      const problem = await refusal(world(), Object.entries(agentIntent(signed)), lookup);
      expect([kindOf(problem), problem.field, problem.status]).toEqual([
        'intent-mismatch',
        `Agent-Intent.intent.${field}`,
        400,
      ]);
    },
  );

  it('is denied when credit does not cover it, and the problem explains how to top up', async () => {
    const poor = await creditedAccount(world(), { credit: 1_500n, balance: 0n });
    const first = await world().send(
      lookup,
      agentIntent(await signPaidIntent(world(), poor, lookup)),
    );
    expect(first.status).toBe(200);
    const signed = await signPaidIntent(world(), poor, lookup);
    const problem = await refusal(world(), Object.entries(agentIntent(signed)), lookup);
    expect(problem).toMatchObject({
      ...{ status: 403, rule: 'credit', tool: 'lookup', price: '1000' },
      ...{ limit: '500', remaining: '500' },
      hint: expect.stringContaining('/credits') as string,
    });
    // A denial uses up no call id: after a top-up the same intent runs.
    await expect(
      topUp(world(), await fundedAccount(world(), 10_000n), 1_000n, accountOf(poor.address)),
    ).resolves.toMatchObject({ status: 200 });
    await expect
      .poll(async () => (await world().send(lookup, agentIntent(signed))).status, {
        timeout: 30_000,
        interval: 300,
      })
      .toBe(200);
  });

  it('of an unknown key is denied without a request to the chain', async () => {
    const signed = await signPaidIntent(world(), newAccount(), lookup);
    const problem = await refusal(world(), Object.entries(agentIntent(signed)), lookup);
    expect([problem.status, problem['rule']]).toEqual([403, 'credit']);
  });

  it('spends exactly the credit when a hundred arrive at once', async () => {
    const AFFORDABLE = 37;
    const creditHolder = await creditedAccount(world(), {
      credit: BigInt(AFFORDABLE) * 1_000n + 999n,
      balance: 0n,
    });
    const before = (await world().counts()).lookup;
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () =>
        world().send(lookup, agentIntent(await signPaidIntent(world(), creditHolder, lookup))),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(AFFORDABLE);
    for (const answer of answers.filter(({ status }) => status !== 200))
      expect(await readProblem(answer)).toMatchObject({ rule: 'credit' });
    expect((await world().counts()).lookup).toBe(before + AFFORDABLE);
    expect(await transfersFrom(world(), creditHolder.address)).toEqual([
      BigInt(AFFORDABLE) * 1_000n + 999n,
    ]);
  });

  it("of a contract account is accepted by the contract's code, not by any key", async () => {
    const owner = newAccount();
    const wallet = await deployContractWallet(world(), owner.address);
    await mint(world().client, wallet, 100_000n);
    const holder = { ...owner, address: wallet };
    expect((await topUp(world(), holder, 100_000n)).status).toBe(200);
    const signed = await signPaidIntent(world(), holder, lookup);
    const answer = await world().send(lookup, agentIntent(signed));
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(rateLimitOf(answer, 'credit')?.r).toBe(99_000);
    const thief = { ...newAccount(), address: wallet };
    const forged = await signPaidIntent(world(), thief, lookup);
    const problem = await refusal(world(), Object.entries(agentIntent(forged)), lookup);
    expect([kindOf(problem), problem.field]).toEqual([
      'invalid-signature',
      'Agent-Intent.signature',
    ]);
  });

  it('costs nothing when the tool fails', async () => {
    const creditHolder = await creditedAccount(world(), { credit: 50_000n, balance: 0n });
    for (const query of ['status=500', 'drop=1', 'truncate=1', 'status=402']) {
      const call: ToolCall = { path: `/tools/flaky?${query}` };
      const answer = await world().send(
        call,
        agentIntent(await signPaidIntent(world(), creditHolder, call)),
      );
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(await claimsOf(world(), answer)).toMatchObject({ charged: '0' });
      expect(rateLimitOf(answer, 'credit')).toEqual({ q: 50_000, r: 50_000 });
    }
  });
});

describe('a payment by an account with credit', () => {
  it.each([
    ['vanilla', async (payer: LocalAccount) => v2(await sign(world(), payer, lookup))],
    ['bound', async (payer: LocalAccount) => bound(await bind(world(), payer, lookup))],
  ])('authenticates while credit pays: %s', async (_, headers) => {
    const creditHolder = await creditedAccount(world(), { credit: 10_000n, balance: 10_000n });
    const answer = await world().send(lookup, await headers(creditHolder));
    expect(answer.status).toBe(200);
    expect(paymentResponse(answer)).toMatchObject({
      ...{ success: true, transaction: '', amount: '1000' },
      extra: { paidFrom: 'credit' },
    });
    expect(rateLimitOf(answer, 'credit')).toEqual({ q: 9_000, r: 9_000 });
    expect(await transfersFrom(world(), creditHolder.address)).toEqual([10_000n]);
  });

  it('pays a credit-only tool from credit; without credit the problem explains how to top up', async () => {
    const call = summarise('One sentence. Another sentence about sentences.', '1500');
    const creditHolder = await creditedAccount(world(), { credit: 50_000n, balance: 100_000n });
    const payment = await bind(world(), creditHolder, call);
    const answer = await world().send(call, bound(payment));
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(paymentResponse(answer)).toMatchObject({
      amount: '1500',
      extra: { paidFrom: 'credit' },
    });
    expect(rateLimitOf(answer, 'credit')?.r).toBe(48_500);
    expect(await isUsed(world(), payment)).toBe(false);

    const rich = await trustedAccount(world(), { reports: 1, balance: 1_000_000n });
    const refused = await bind(world(), rich, call);
    const problem: Problem = await refusal(world(), Object.entries(bound(refused)), call);
    expect(problem).toMatchObject({
      ...{ status: 403, rule: 'credit', price: '50000' },
      hint: expect.stringContaining('/credits') as string,
    });
    expect(await isUsed(world(), refused)).toBe(false);
  });
});

describe('a debt', () => {
  it('denies every call, by payment and from credit, until a top-up clears it', async () => {
    const payer = await trustedAccount(world(), { reports: 1, balance: 1_000_000n });
    // The payer cancels the accepted payment on the chain before the gateway presents it.
    let release: () => void = () => {};
    settling = new Promise((resolve) => {
      release = resolve;
    });
    const payment = await bind(world(), payer, translate);
    const served = await world().send(translate, bound(payment));
    expect(paymentResponse(served)).toMatchObject({ extra: { status: 'accepted' } });
    const nonce = callOf(payment);
    await submitCancellation({
      ...{ client: world().client, token: usdc, authorizer: payer.address, nonce },
      sender: privateKeyToAccount(people.facilitators[3].privateKey),
      signature: await signCancellation({ account: payer, token: usdc, nonce }),
    });
    release();
    await expect
      .poll(() => world().audit.payment(nonce)?.state, { timeout: 60_000, interval: 300 })
      .toBe('failed');
    await expect
      .poll(async () => await (await pay(world(), payer, lookup)).json(), {
        timeout: 30_000,
        interval: 300,
      })
      .toMatchObject({ rule: 'debt', hint: expect.stringContaining('/credits') as string });
    const fromCredit = await signPaidIntent(world(), payer, lookup);
    const refused = await world().send(lookup, agentIntent(fromCredit));
    expect([refused.status, (await readProblem(refused))['rule']]).toEqual([403, 'debt']);

    const short = await topUp(world(), payer, 19_999n);
    expect(short.status, await short.clone().text()).toBe(200);
    expect(rateLimitOf(short, 'credit')).toBeUndefined();
    expect((await readProblem(await pay(world(), payer, lookup)))['rule']).toBe('debt');
    const cleared = await topUp(world(), payer, 1_001n);
    expect(rateLimitOf(cleared, 'credit')).toEqual({ q: 1_000, r: 1_000 });
    const answer = await world().send(lookup, agentIntent(fromCredit));
    expect(answer.status).toBe(200);
    expect(
      await verify(world(), answer.headers.get('Agent-Receipt') ?? '', 'agent-receipt+jwt'),
    ).toMatchObject({ charged: '1000' });
  });
});
