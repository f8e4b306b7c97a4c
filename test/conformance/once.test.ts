import type { Hex, LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { usdcBalance } from '../../dev/stack/chain-access.ts';
import { kindOf, paymentResponse, readProblem } from './support/offer.ts';
import {
  fundedAccount,
  isUsed,
  newAccount,
  nowSeconds,
  type Payment,
  settled,
  sign,
  transfersFrom,
  trustedAccount,
  v1,
  v2,
} from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { moveAll } from './support/wallet.ts';
import { lookup, report, type ToolCall, translate, useSharedWorld } from './support/world.ts';

const world = useSharedWorld();
const MANY = 100;
const SECRET = 'k'.repeat(24);

type Answer = { readonly status: number; readonly text: string };

const read = async (response: Response): Promise<Answer> => ({
  status: response.status,
  text: await response.text(),
});

const send = async (call: ToolCall, headers: Record<string, string>): Promise<Answer> =>
  await read(await world().send(call, headers));

const atOnce = async (call: ToolCall, headers: (at: number) => Record<string, string>) =>
  await Promise.all(Array.from({ length: MANY }, async (_, at) => await send(call, headers(at))));

/** The problem's type for 409; the status of anything else. */
const outcome = ({ status, text }: Answer): string =>
  status === 409 ? kindOf(JSON.parse(text) as Parameters<typeof kindOf>[0]) : String(status);

const REFUSALS = ['in-progress', 'already-used'];

describe('one payment', () => {
  let account: LocalAccount;
  beforeAll(async () => {
    account = await trustedAccount(world(), { reports: 2, balance: 1_000_000n });
  });

  /** Expects that `use` causes exactly one run, and one transfer for its payment. */
  const runsOnce = async (
    tool: 'lookup' | 'translate' | 'report',
    call: ToolCall,
    price: bigint,
    payer: LocalAccount,
    use: (payment: Payment) => Promise<void>,
  ): Promise<void> => {
    const payment = await sign(world(), payer, call);
    const before = (await world().counts())[tool];
    const paid = (await transfersFrom(world(), payer.address)).length;
    await use(payment);
    expect((await world().counts())[tool]).toBe(before + 1);
    await settled(world(), payment);
    expect((await transfersFrom(world(), payer.address)).slice(paid)).toEqual([price]);
    // The signature is public on the chain now. A copy of the payment runs nothing and returns no part of the answer.
    for (const headers of [v2(payment), v1(payment), v2(payment, 'g'.repeat(24))]) {
      const copied = await world().send(call, headers);
      expect(copied.status).toBe(409);
      for (const name of ['PAYMENT-RESPONSE', 'X-PAYMENT-RESPONSE', 'Agent-Receipt'])
        expect(copied.headers.get(name), name).toBeNull();
      const { type, title, status, detail, hint, ...more } = await readProblem(copied);
      expect({ type, title, status }).toMatchObject({
        type: 'urn:countersign:problem:already-used',
      });
      expect(Object.keys(more).toSorted()).toEqual(['call']);
      expect(detail + hint).not.toMatch(/river|senses|bonjour|words/);
    }
    expect((await world().counts())[tool]).toBe(before + 1);
    expect((await transfersFrom(world(), payer.address)).slice(paid)).toEqual([price]);
  };

  it('runs once when it is presented 100 times at once', async () => {
    await runsOnce('lookup', lookup, 1_000n, account, async (payment) => {
      const outcomes = (await atOnce(lookup, () => v2(payment))).map(outcome);
      expect(outcomes.filter((one) => one === '200')).toHaveLength(1);
      for (const one of outcomes.filter((other) => other !== '200'))
        expect(REFUSALS).toContain(one);
    });
  });

  it('runs once when it is presented 100 times at once, alternately as v1 and v2', async () => {
    await runsOnce('translate', translate, 20_000n, account, async (payment) => {
      const outcomes = (
        await atOnce(translate, (at) => (at % 2 === 0 ? v2(payment) : v1(payment)))
      ).map(outcome);
      expect(outcomes.filter((one) => one === '200')).toHaveLength(1);
      for (const one of outcomes.filter((other) => other !== '200'))
        expect(REFUSALS).toContain(one);
    });
  });

  it('runs once when it is presented 100 times in sequence', async () => {
    await runsOnce('lookup', lookup, 1_000n, account, async (payment) => {
      const outcomes: string[] = [];
      for (let at = 0; at < MANY; at += 1)
        outcomes.push(outcome(await send(lookup, at % 2 === 0 ? v1(payment) : v2(payment))));
      expect(outcomes).toEqual(['200', ...Array.from({ length: MANY - 1 }, () => 'already-used')]);
    });
  });

  it('of a newcomer, settled upfront, moves and runs once when it is presented 100 times at once', async () => {
    const newcomer = await fundedAccount(world(), 1_000_000n);
    await runsOnce('report', report, 50_000n, newcomer, async (payment) => {
      const outcomes = (await atOnce(report, () => v2(payment))).map(outcome);
      expect(outcomes.filter((one) => one === '200')).toHaveLength(1);
      for (const one of outcomes.filter((other) => other !== '200'))
        expect(REFUSALS).toContain(one);
    });
    expect(await usdcBalance(world().client, newcomer.address)).toBe(950_000n);
  });

  it('with a payment-identifier returns the stored answer byte for byte to its holder only', async () => {
    await runsOnce('translate', translate, 20_000n, account, async (payment) => {
      const received = await atOnce(translate, () => v2(payment, SECRET));
      const answers = received.filter(({ status }) => status === 200);
      expect(answers.length).toBeGreaterThan(0);
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      for (const one of received.filter(({ status }) => status !== 200))
        expect(REFUSALS).toContain(outcome(one));
      for (let at = 0; at < MANY; at += 1)
        expect(await send(translate, v2(payment, SECRET))).toEqual(answers[0]);

      await settled(world(), payment);
      // The account learns of the settlement a moment after the chain shows it.
      await expect
        .poll(
          async () =>
            paymentResponse(await world().send(translate, v2(payment, SECRET))).transaction,
          { timeout: 30_000 },
        )
        .toMatch(/^0x[0-9a-f]{64}$/);
      const later = await world().send(translate, v2(payment, SECRET));
      expect(later.headers.get('Cache-Control')).toBe('private, no-store');
      expect(later.headers.get('Content-Type')).toBe('application/json');
      expect(await read(later)).toEqual(answers[0]);
    });
  });
});

describe('a fresh signature under a used payment-identifier', () => {
  it('runs and moves nothing and gets the first answer; for another request it is a conflict', async () => {
    const identifier = 'i'.repeat(32);
    const account = await trustedAccount(world(), { reports: 2, balance: 1_000_000n });
    const paid = (await transfersFrom(world(), account.address)).length;
    const first = await sign(world(), account, translate);
    const answer = await world().send(translate, v2(first, identifier));
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    const before = await world().counts();
    const fresh = await Promise.all(
      Array.from({ length: 10 }, async () => await sign(world(), account, translate)),
    );
    for (const payment of fresh) {
      const again = await world().send(translate, v2(payment, identifier));
      expect([again.status, await again.text()]).toEqual([200, text]);
      expect(paymentResponse(again).extra).toMatchObject({
        payment: first.payload.authorization.nonce,
      });
      expect(await claimsOf(world(), again)).toMatchObject({
        call: first.payload.authorization.nonce,
      });
    }
    const other = await sign(world(), account, lookup);
    expect(kindOf(await readProblem(await world().send(lookup, v2(other, identifier))))).toBe(
      'conflict',
    );
    expect(await world().counts()).toEqual(before);
    await settled(world(), first);
    expect((await transfersFrom(world(), account.address)).slice(paid)).toEqual([20_000n]);
    for (const payment of [...fresh, other]) expect(await isUsed(world(), payment)).toBe(false);
    // An identifier is scoped to its payer.
    const stranger = await trustedAccount(world(), { reports: 2, balance: 1_000_000n });
    const theirs = await sign(world(), stranger, translate);
    expect((await world().send(translate, v2(theirs, identifier))).status).toBe(200);
    expect((await world().counts()).translate).toBe(before.translate + 1);
    await settled(world(), theirs);
  });
});

describe('a used payment', () => {
  const echo: ToolCall = {
    path: '/tools/echo/a?b=c',
    method: 'POST',
    body: 'one',
    contentType: 'text/plain',
  };

  it.each<[string, ToolCall]>([
    ['tool', lookup],
    ['path', { ...echo, path: '/tools/echo/aa?b=c' }],
    ['query', { ...echo, path: '/tools/echo/a?b=d' }],
    ['query, by percent-encoding only', { ...echo, path: '/tools/echo/a?b=%63' }],
    ['method', { ...echo, method: 'PUT' }],
    ['body', { ...echo, body: 'two' }],
    ['body, by one byte at its end', { ...echo, body: 'one\n' }],
    ['content type', { ...echo, contentType: 'application/json' }],
  ])('cannot be moved to another %s', async (_, elsewhere) => {
    const account = await fundedAccount(world(), 10_000n);
    const payment = await sign(world(), account, echo);
    expect((await send(echo, v2(payment, SECRET))).status).toBe(200);
    const before = await world().counts();
    // Only the payer knows the identifier, so the gateway reports the conflict. A copy without it gets the same answer as every copy
    // (law 3).
    for (const [headers, kind] of [
      [v2(payment, SECRET), 'conflict'],
      [v2(payment), 'already-used'],
      [v1(payment), 'already-used'],
    ] as const) {
      const refused = await world().send(elsewhere, headers);
      expect(refused.status).toBe(409);
      expect(kindOf(await readProblem(refused))).toBe(kind);
    }
    expect(await world().counts()).toEqual(before);
    expect(await transfersFrom(world(), account.address)).toEqual([1_000n]);
  });
});

describe('a rejected payment', () => {
  it('is rejected if its validBefore outlives the memory of its nonce', async () => {
    const account = await fundedAccount(world(), 100_000n);
    for (const [call, bound] of [
      [lookup, 3_660],
      [report, 360],
    ] as const) {
      const before = await world().counts();
      const payment = await sign(world(), account, call, {
        validBefore: nowSeconds() + bound + 30,
      });
      const problem = await readProblem(await world().send(call, v2(payment)));
      expect(problem).toMatchObject({
        type: 'urn:countersign:problem:valid-too-long',
        status: 400,
        field: 'PAYMENT-SIGNATURE.payload.authorization.validBefore',
      });
      expect(await world().counts()).toEqual(before);
    }
  });

  it('is not used up: presented correctly, it works', async () => {
    const account = await fundedAccount(world(), 10_000n);
    const payment = await sign(world(), account, lookup);
    const before = await world().counts();
    const elsewhere = { ...payment, accepted: { ...payment.accepted, amount: '2000' } };
    expect((await send(lookup, v2(elsewhere))).status).toBe(400);
    expect((await send(lookup, { ...v2(payment), ...v1(payment) })).status).toBe(400);
    expect((await send(lookup, v2(payment, 'short'))).status).toBe(400);
    expect((await send(translate, v2(payment))).status).toBe(400);
    expect((await send({ path: '/tools/nothing' }, v2(payment))).status).toBe(404);
    expect((await send({ path: '/tools/echo/a%2fb' }, v2(payment))).status).toBe(400);
    expect(await world().counts()).toEqual(before);
    expect((await send(lookup, v2(payment))).status).toBe(200);
  });

  it('is not used up by a denial: once funded, it works', async () => {
    const account = newAccount();
    const payment = await sign(world(), account, lookup);
    const denied = await world().send(lookup, v2(payment));
    expect(await readProblem(denied)).toMatchObject({
      type: 'urn:countersign:problem:denied',
      rule: 'balance',
    });
    expect([403, 429]).toContain(denied.status);
    await moveAll(world(), await fundedAccount(world(), 10_000n), account.address);
    expect((await send(lookup, v2(payment))).status).toBe(200);
  });
});

describe('a hundred fresh keys that pass one dollar along', () => {
  it('get no unpaid call', async () => {
    const { client, counts } = world();
    const before = (await counts()).lookup;
    const payers: Hex[] = [];
    let holder = await fundedAccount(world(), 1_000_000n);
    let answered = 0;
    for (let at = 0; at < MANY; at += 1) {
      const next = newAccount();
      payers.push(holder.address);
      const payment = await sign(world(), holder, lookup);
      const call = send(lookup, v2(payment));
      // Every second payer moves its money away while its call runs.
      if (at % 2 === 0) await call;
      await moveAll(world(), holder, next.address);
      const { status, text } = await call;
      if (status === 200) answered += 1;
      else expect([403, 429, 503], text).toContain(status);
      holder = next;
    }
    const ran = (await counts()).lookup - before;
    expect(ran).toBe(answered);
    expect(ran).toBeGreaterThanOrEqual(MANY / 2);
    expect(await transfersFrom(world(), payers)).toEqual(Array.from({ length: ran }, () => 1_000n));
    expect(await usdcBalance(client, holder.address)).toBe(1_000_000n - BigInt(ran) * 1_000n);
  });
});
