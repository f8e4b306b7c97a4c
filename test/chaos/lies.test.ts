import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  ALWAYS_LIES,
  NEVER_ANSWERS,
  presentAsStranger,
  SETTLED_ALL_THE_SAME,
  SETTLED_LATER,
  settleOneOfTwins,
  SPOILED,
} from './lies.ts';
import { type Agent, type PaidRequest, send, sendAndLeave } from './support/agent.ts';
import { type Book, ledgerOf, movedBy, verifyBook } from './support/books.ts';
import { hasEnded, type Lie, type LyingStage, pause, startLyingStage } from './support/liar.ts';
import { PRICES } from './support/stage.ts';

// All at once: most of the time is spent waiting for deadlines.
vi.setConfig({ maxConcurrency: 64 });

let world: LyingStage;
beforeAll(async () => {
  world = await startLyingStage();
});
afterAll(async () => {
  const { cpSync } = await import('node:fs');
  cpSync(world.stage.directory + '/gateway.log', '/tmp/lies-gateway.log');
  await world.stage.stop();
});

const callOf = (book: Book, { nonce }: PaidRequest) =>
  book.calls.find(({ call }) => call === nonce);

/** Law 5 and 11 of one account: its ledger is what the chain says, and its log is whole. */
const expectTrue = async (agent: Agent, book: Book): Promise<void> => {
  const moved = await movedBy(world.stage, agent.address);
  expect([ledgerOf(book), book.purse.settled]).toEqual([moved, moved]);
  expect(verifyBook(agent.id, book)).toMatchObject({ ok: true });
};

const expectSettledOnce = async (agent: Agent, request: PaidRequest): Promise<void> => {
  const book = await world.bookOf(agent, hasEnded(request));
  expect(callOf(book, request)).toMatchObject({ state: 'committed', payment: 'settled' });
  expect(world.runsOf(request)).toBe(1);
  expect(book.purse.credit).toBe(0n);
  await expectTrue(agent, book);
};

const down: Lie = async (_, __, forward, presented) => (presented < 3 ? 'drop' : await forward());

describe.concurrent('a facilitator that', () => {
  const deferred = {
    ...SETTLED_ALL_THE_SAME,
    ...SETTLED_LATER,
    'never answers after broadcasting': NEVER_ANSWERS,
    'is down for a while': down,
  };
  it.for(Object.entries(deferred))('%s: deferred', async ([name, lie]) => {
    const agent = await world.knownAgent(name);
    const request = await world.sign(agent, 'deferred', lie);
    expect(await send(request)).toMatchObject({ status: 200 });
    await expectSettledOnce(agent, request);
    expect(world.presentedOf(request)).toBeGreaterThanOrEqual(name in SETTLED_LATER ? 2 : 1);
  });

  const upfront = { ...SETTLED_ALL_THE_SAME, 'never answers after broadcasting': NEVER_ANSWERS };
  it.for(Object.entries(upfront))('%s: upfront', async ([name, lie]) => {
    const agent = await world.newcomer(name);
    const request = await world.sign(agent, 'upfront', lie);
    expect(await send(request)).toMatchObject({ status: 200 });
    await expectSettledOnce(agent, request);
  });

  it.for(Object.entries(SETTLED_LATER))('%s: upfront, not run', async ([name, lie]) => {
    const agent = await world.newcomer(name);
    const request = await world.sign(agent, 'upfront', lie);
    // Not 402: the client would sign again, and this payment can still be settled by anyone.
    expect(await send(request)).toMatchObject({ status: 503 });
    expect(await send(request)).toMatchObject({ status: 409 });
    expect(world.runsOf(request)).toBe(0);
    expect(await movedBy(world.stage, agent.address)).toBe(0n);
  });

  it('always lies costs nobody but us', async () => {
    const agent = await world.knownAgent('lied to');
    const request = await world.sign(agent, 'deferred', ALWAYS_LIES, 15);
    expect(await send(request)).toMatchObject({ status: 200 });
    const book = await world.bookOf(agent, hasEnded(request));
    expect(callOf(book, request)).toMatchObject({ payment: 'failed', fault: 'gateway' });
    expect(book.purse.credit).toBe(0n);
    await expectTrue(agent, book);
    const next = await world.sign(agent, 'deferred', undefined);
    expect(await send(next)).toMatchObject({ status: 200 });
  });
});

describe.concurrent('a payer that', () => {
  it.for(Object.entries(SPOILED))('%s owes a deferred call', async ([name, spoil]) => {
    const agent = await world.knownAgent(name);
    const failing = await world.sign(agent, 'failing', undefined, 15);
    expect(await send(failing)).toMatchObject({ status: 404 });
    const request = await world.sign(agent, 'deferred', spoil);
    expect(await send(request)).toMatchObject({ status: 200 });
    // The chain moves what had been given back; only after its deadline it is looked at again.
    await presentAsStranger(world.stage, failing);

    const owing = await world.bookOf(agent, hasEnded(request));
    expect(callOf(owing, request)).toMatchObject({ payment: 'failed', fault: 'payer' });
    expect(owing.purse.credit).toBe(-PRICES.deferred);
    const refused = await send(await world.sign(agent, 'deferred', undefined));
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.body)).toMatchObject({ rule: 'debt' });

    const cleared = await world.bookOf(agent, ({ purse }) => purse.credit >= 0n);
    expect(callOf(cleared, failing)).toMatchObject({ state: 'released', charged: 0n });
    expect(cleared.purse.credit).toBe(0n);
    const next = await world.sign(agent, 'deferred', undefined);
    expect(await send(next)).toMatchObject({ status: 200 });
    await expectTrue(agent, await world.bookOf(agent, hasEnded(failing, request, next)));
  });

  it.for(Object.entries(SPOILED))(
    '%s gets nothing upfront, and owes nothing',
    async ([name, spoil]) => {
      const agent = await world.newcomer(name);
      const request = await world.sign(agent, 'upfront', spoil);
      expect(await send(request)).toMatchObject({ status: 403 });
      expect(await send(request)).toMatchObject({ status: 409 });
      expect(world.runsOf(request)).toBe(0);
      const next = await world.sign(agent, 'upfront', undefined);
      expect(await send(next)).toMatchObject({ status: 200 });
      const book = await world.bookOf(agent, hasEnded(request, next));
      expect(callOf(book, request)).toMatchObject({ payment: 'failed', charged: 0n });
      expect(book.purse.credit).toBe(0n);
      await expectTrue(agent, book);
    },
  );

  it('settles a released payment after all has credit, which pays', async () => {
    const agent = await world.knownAgent('generous');
    const failing = await world.sign(agent, 'failing', undefined, 15);
    expect(await send(failing)).toMatchObject({ status: 404 });
    await presentAsStranger(world.stage, failing);
    const book = await world.bookOf(agent, ({ purse }) => purse.credit > 0n);
    expect(book.purse.credit).toBe(PRICES.failing);
    const next = await world.sign(agent, 'deferred', undefined);
    expect(await send(next)).toMatchObject({ status: 200 });
    const paid = await world.bookOf(agent, hasEnded(failing, next));
    expect(callOf(paid, next)).toMatchObject({ paidBy: 'credit', charged: PRICES.deferred });
    expect(world.presentedOf(next)).toBe(0);
    await expectTrue(agent, paid);
  });

  it('settles one of two equal payments in one transaction owes the other', async () => {
    const agent = await world.knownAgent('twins');
    const delivered = Promise.withResolvers<void>();
    const requests: PaidRequest[] = [];
    let settling: Promise<void> | undefined;
    const lie: Lie = async (stage, _, forward) => {
      const [paid, twin] = requests;
      await delivered.promise;
      if (paid !== undefined && twin !== undefined)
        await (settling ??= settleOneOfTwins(stage, paid, twin));
      return await forward();
    };
    requests.push(await world.sign(agent, 'deferred', lie));
    requests.push(await world.sign(agent, 'deferred', lie));
    for (const request of requests) expect(await send(request)).toMatchObject({ status: 200 });
    delivered.resolve();
    const book = await world.bookOf(agent, hasEnded(...requests));
    expect(requests.map((request) => callOf(book, request)?.payment)).toEqual([
      'settled',
      'failed',
    ]);
    expect(book.purse.credit).toBe(-PRICES.deferred);
    await expectTrue(agent, book);
  });
});

describe.concurrent('a client that hangs up', () => {
  it('has paid once for what was run', async () => {
    const agent = await world.knownAgent('deferred, gone');
    const request = await world.sign(agent, 'deferred', undefined);
    await sendAndLeave(request);
    await pause(500);
    await expectSettledOnce(agent, request);
  });

  it('has paid once for what was to be settled first', async () => {
    const agent = await world.newcomer('upfront, gone');
    const request = await world.sign(agent, 'upfront', undefined);
    await sendAndLeave(request);
    await expectSettledOnce(agent, request);
  });
});
