import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { bind, bound, callOf } from './support/bound.ts';
import { accountOf, creditedAccount, credits, rateLimitOf, topUp } from './support/credit.ts';
import { agentIntent, retryKey, signPaidIntent } from './support/intent.ts';
import { kindOf, paymentResponse, readOffer, readProblem } from './support/offer.ts';
import {
  fundedAccount,
  isUsed,
  newAccount,
  sign,
  transfersFrom,
  v1,
  v2,
} from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { lookup, type ToolCall, translate, useSharedWorld } from './support/world.ts';

const world = useSharedWorld();
const AMOUNT = 250_000n;

/** Makes a call from credit and returns the remaining credit. */
const remainingCredit = async (account: LocalAccount): Promise<unknown> => {
  const answer = await world().send(
    lookup,
    agentIntent(await signPaidIntent(world(), account, lookup)),
  );
  expect(answer.status, await answer.clone().text()).toBe(200);
  return rateLimitOf(answer, 'credit')?.r;
};

describe('a top-up', () => {
  it('moves the money first and then credits the account', async () => {
    const account = await fundedAccount(world(), 1_000_000n);
    const call = credits(AMOUNT);
    const before = await world().counts();
    const payment = await bind(world(), account, call);
    const answer = await world().send(call, bound(payment));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    const moved = paymentResponse(answer);
    expect(moved).toMatchObject({
      success: true,
      amount: AMOUNT.toString(),
      extra: { status: 'settled' },
    });
    expect(moved.transaction).toMatch(/^0x[0-9a-f]{64}$/);
    expect(rateLimitOf(answer, 'credit')).toEqual({ q: Number(AMOUNT), r: Number(AMOUNT) });
    expect(await claimsOf(world(), answer)).toMatchObject({
      ...{ tool: 'countersign.credits', call: callOf(payment), binding: 'intent', status: 200 },
      charged: AMOUNT.toString(),
    });
    expect(await answer.json()).toEqual({
      account: accountOf(account.address),
      asset: `eip155:84532/erc20:${world().stack.description.usdc.toLowerCase()}`,
      amount: AMOUNT.toString(),
      payment: callOf(payment),
    });
    expect(await transfersFrom(world(), account.address)).toEqual([AMOUNT]);
    // A top-up sends no request to the upstream.
    expect(await world().counts()).toEqual(before);
    expect(await remainingCredit(account)).toBe(Number(AMOUNT) - 1_000);
  });

  it('credits once when it is repeated, and returns the same answer', async () => {
    const account = await fundedAccount(world(), 1_000_000n);
    const call = credits(AMOUNT);
    const payment = await bind(world(), account, call);
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => await world().send(call, bound(payment))),
    );
    const texts = await Promise.all(
      answers.filter(({ status }) => status === 200).map(async (answer) => await answer.text()),
    );
    expect(new Set(texts).size).toBe(1);
    for (const answer of answers.filter(({ status }) => status !== 200))
      expect(answer.status).toBe(409);
    const shown = { ...bound(payment), ...retryKey(payment.intent) };
    const again = await world().send(call, shown);
    expect([again.status, await again.text()]).toEqual([200, texts[0]]);
    expect(await transfersFrom(world(), account.address)).toEqual([AMOUNT]);
    expect(await remainingCredit(account)).toBe(Number(AMOUNT) - 1_000);
  });

  it.each([
    ['v2', v2],
    ['v1', v1],
  ])('by a vanilla payment credits the payer: %s', async (_, headers) => {
    const account = await fundedAccount(world(), 1_000_000n);
    const payment = await sign(world(), account, credits(AMOUNT));
    const answer = await world().send(credits(AMOUNT), headers(payment));
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(await answer.json()).toMatchObject({
      account: accountOf(account.address),
      amount: AMOUNT.toString(),
    });
    expect((await world().send(credits(AMOUNT), headers(payment))).status).toBe(409);
    expect(await transfersFrom(world(), account.address)).toEqual([AMOUNT]);
    expect(await remainingCredit(account)).toBe(Number(AMOUNT) - 1_000);
  });

  it('adds to existing credit and is never paid from it', async () => {
    const account = await creditedAccount(world(), { credit: AMOUNT, balance: 1_000_000n });
    const answer = await topUp(world(), account, 10_000n);
    expect(answer.status).toBe(200);
    expect(paymentResponse(answer).extra.paidFrom).toBeUndefined();
    expect(rateLimitOf(answer, 'credit')?.r).toBe(Number(AMOUNT) + 10_000);
    const byIntent = await signPaidIntent(world(), account, credits(10_000n));
    const refused = await world().send(credits(10_000n), agentIntent(byIntent));
    expect(refused.status).toBe(402);
    readOffer(refused);
    expect(await transfersFrom(world(), account.address)).toEqual([AMOUNT, 10_000n]);
  });

  it('above the balance of the payer moves and credits nothing', async () => {
    const account = await fundedAccount(world(), 1_000n);
    const payment = await bind(world(), account, credits(AMOUNT));
    const refused = await world().send(credits(AMOUNT), bound(payment));
    expect([403, 429]).toContain(refused.status);
    expect(await readProblem(refused)).toMatchObject({ rule: 'balance' });
    expect(await isUsed(world(), payment)).toBe(false);
  });
});

describe('a top-up for another account', () => {
  let payer: LocalAccount;
  beforeAll(async () => {
    payer = await fundedAccount(world(), 10_000_000n);
  });

  it('arrives there exactly once and does not credit the payer', async () => {
    const other = await fundedAccount(world(), 10n);
    const call = credits(AMOUNT, accountOf(other.address));
    const payment = await bind(world(), payer, call);
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => (await world().send(call, bound(payment))).status),
    );
    expect(answers).toContain(200);
    const shown = { ...bound(payment), ...retryKey(payment.intent) };
    const again = await world().send(call, shown);
    expect(await again.json()).toMatchObject({
      account: accountOf(other.address),
      amount: AMOUNT.toString(),
    });
    await expect
      .poll(
        async () => {
          const signed = await signPaidIntent(world(), other, lookup);
          const answer = await world().send(lookup, agentIntent(signed));
          return answer.status === 200 ? rateLimitOf(answer, 'credit')?.r : answer.status;
        },
        { timeout: 30_000, interval: 300 },
      )
      .toBe(Number(AMOUNT) - 1_000);
    expect(await transfersFrom(world(), payer.address)).toEqual([AMOUNT]);
    const nothing = await signPaidIntent(world(), payer, lookup);
    const refused = await world().send(lookup, agentIntent(nothing));
    expect([refused.status, (await readProblem(refused))['rule']]).toEqual([403, 'credit']);
    // A second top-up adds to the first, and the account applies each message once.
    expect((await topUp(world(), payer, 1_000n, accountOf(other.address))).status).toBe(200);
    await expect
      .poll(async () => await remainingCredit(other), { timeout: 30_000, interval: 500 })
      .toSatisfy(
        (remaining: number) => remaining > Number(AMOUNT) - 10_000 && remaining % 1_000 === 0,
      );
    const entries = async (): Promise<readonly (string | undefined)[]> =>
      (await world().audit.entries(accountOf(other.address)))
        .filter(({ type }) => type === 'credit.received')
        .map(({ amounts }) => amounts?.['amount']);
    await expect
      .poll(entries, { timeout: 30_000, interval: 300 })
      .toEqual([AMOUNT.toString(), '1000']);
  });

  it('needs no binding when that account is the payer', async () => {
    const own = await fundedAccount(world(), 1_000_000n);
    const call = credits(AMOUNT, accountOf(own.address));
    const answer = await world().send(call, v2(await sign(world(), own, call)));
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(rateLimitOf(answer, 'credit')?.r).toBe(Number(AMOUNT));
  });

  it('needs a bound payment: an attacker could redirect a vanilla one', async () => {
    const other = newAccount();
    const call = credits(AMOUNT, accountOf(other.address));
    const payment = await sign(world(), payer, call);
    for (const headers of [v2(payment), v1(payment)]) {
      const refused = await world().send(call, headers);
      expect(refused.status).toBe(400);
      expect(kindOf(await readProblem(refused))).toBe('binding-required');
    }
    // A payment bound to one account credits no other account, not even the payer's.
    const mine = await bind(world(), payer, call);
    for (const elsewhere of [
      credits(AMOUNT, accountOf(payer.address)),
      credits(AMOUNT),
      credits(AMOUNT, accountOf(newAccount().address)),
    ]) {
      const refused = await world().send(elsewhere, bound(mine));
      expect(refused.status).toBe(400);
      expect((await readProblem(refused)).field).toMatch(/\.target$/);
    }
    expect(await isUsed(world(), payment)).toBe(false);
    expect(await isUsed(world(), mine)).toBe(false);
  });
});

describe('a malformed top-up', () => {
  const path = (query: string): ToolCall => ({ path: `/credits${query}`, method: 'POST' });

  it('with an unknown parameter, a body or another method is rejected', async () => {
    const unknown = await world().send(path('?amount=1000&to=me'));
    expect([unknown.status, (await readProblem(unknown)).field]).toEqual([400, 'query']);
    const bodied = { ...path('?amount=1000'), body: '{}' };
    const account = await fundedAccount(world(), 1_000n);
    const payment = await sign(world(), account, credits(1_000n));
    const paid = await world().send(bodied, v2(payment));
    expect([paid.status, (await readProblem(paid)).field]).toEqual([413, 'body']);
    // The gateway reads no body without a proof, so it answers with the offer of the top-up.
    expect((await world().send(bodied)).status).toBe(402);
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect((await world().send({ ...path('?amount=1000'), method })).status).toBe(405);
  });
});

describe('the offer of a top-up', () => {
  it('is a 402 for exactly the requested amount, settled upfront', async () => {
    const offered = await world().offer(credits(123_456n));
    expect(offered.accepts).toHaveLength(1);
    expect(offered.accepts[0]).toMatchObject({
      ...{ scheme: 'exact', network: 'eip155:84532', amount: '123456', maxTimeoutSeconds: 300 },
      payTo: world().payTo,
    });
    expect(offered.extensions['agent-intent']).toEqual({
      info: {
        ...{ version: 1, tool: 'countersign.credits', binding: 'eip3009-nonce' },
        audience: world().stack.description.audience,
      },
    });
  });

  it('appears next to the price of a tool, in body and extension, never in accepts', async () => {
    const { audience } = world().stack.description;
    for (const [call, tool, amount] of [
      [lookup, 'lookup', '1000'],
      [translate, 'translate', '20000'],
    ] as const) {
      const answer = await world().send(call);
      const offered = readOffer(answer);
      expect((answer.headers.get('PAYMENT-REQUIRED') ?? '').length).toBeLessThan(2_048);
      expect(offered.accepts).toHaveLength(1);
      expect(offered.accepts[0]?.amount).toBe(amount);
      expect(offered.extensions).toEqual({
        'payment-identifier': { info: { required: false } },
        'agent-intent': { info: { version: 1, audience, tool, binding: 'eip3009-nonce' } },
        'agent-credit': { info: { version: 1, topUp: `${audience}/credits` } },
      });
      const body = (await answer.json()) as {
        readonly accepts: readonly unknown[];
        readonly credit: { readonly top_up: string; readonly hint: string };
      };
      expect(body.accepts).toHaveLength(1);
      const [, suggested] = body.credit.top_up.split(`${audience}/credits?amount=`);
      expect(BigInt(suggested ?? '0')).toBeGreaterThanOrEqual(BigInt(amount));
      // The suggested request is a valid top-up.
      expect((await world().send(credits(suggested ?? ''))).status).toBe(402);
      expect(body.credit.hint).toMatch(/\w/);
    }
  });
});
