import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Clock } from '../../../../src/core/clock.ts';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { expectedTransfer } from '../../../../src/settlement/chain/expected-transfer.ts';
import type { Observation } from '../../../../src/settlement/chain/observation.ts';
import {
  followPayment,
  type SharedWatches,
  watchOf,
} from '../../../../src/settlement/chain/shared-watch.ts';
import { NOW, paymentNumber, RPC, runningClock, TOKEN } from '../scripted.ts';
import { answerHosts, scriptChain, type ScriptedChain } from '../scripted-chain.ts';

let chain: ScriptedChain;
let watches: SharedWatches;

beforeEach(() => {
  chain = scriptChain();
  watches = new Map();
  answerHosts({ 'node.test': (body) => chain.respond(body) });
});

afterEach(() => {
  vi.restoreAllMocks();
});

const unused: Observation = { kind: 'unused', headBlock: 100, headTime: NOW, balance: 0n };

const follow = async (payment: Payment, waitMs: number, clock: Clock): Promise<Observation> =>
  followPayment(
    { chain: { urls: [RPC], confirmations: 1 }, watch: watchOf(watches, TOKEN.network), clock },
    expectedTransfer(payment, 100),
    unused,
    waitMs,
    ({ kind }) => kind === 'settled',
  );

const callsOf = (method: string): readonly number[] =>
  chain.batches.map((batch) => batch.filter((call) => call.method === method).length);

test('forty waiting requests observe the chain once a block, and each gets its own outcome', async () => {
  const clock = runningClock();
  const payments = Array.from({ length: 40 }, (_, at) => paymentNumber(at + 1));
  const waiting = payments.map(async (one) => follow(one, 20_000, clock));
  const mining = (async () => {
    for (let block = 0; block < 4; block += 1) {
      await clock.sleep(2_050);
      for (const [at, one] of payments.entries()) if (at % 4 === block && at !== 39) chain.pay(one);
    }
  })();
  const [observations] = await Promise.all([Promise.all(waiting), mining]);
  expect(observations.map(({ kind }) => kind)).toEqual(
    payments.map((_, at) => (at === 39 ? 'unused' : 'settled')),
  );
  expect(new Set(observations.map((one) => 'block' in one && one.block)).size).toBe(40);
  // Batches that concern payments: two for each of the four blocks, and one that found a payment unused for five seconds.
  const about = callsOf('eth_getLogs').filter((count) => count > 0).length;
  const receipts = callsOf('eth_getTransactionReceipt').filter((count) => count > 0).length;
  expect([about, receipts]).toEqual([expect.toSatisfy((n: number) => n <= 8), 4]);
  // The other batches read the newest block: at most four a second, however many requests wait.
  expect(chain.batches.length).toBeLessThan(80);
  expect(watchOf(watches, TOKEN.network).followed.size).toBe(0);
});

test('looks less often after five seconds', async () => {
  const clock = runningClock();
  await follow(paymentNumber(1), 45_000, clock);
  expect(chain.batches.length).toBeLessThan(60);
});

test('another request looks if the one that was looking has ended', async () => {
  const clock = runningClock();
  let lost = false;
  vi.restoreAllMocks();
  answerHosts({
    'node.test': async (body) => {
      if (lost) return chain.respond(body);
      lost = true;
      // The platform drops the connections of an ended request, so its promises never settle.
      return new Promise<Response>(() => undefined);
    },
  });
  const ended = watchOf(watches, TOKEN.network);
  void follow(paymentNumber(1), 1_000, clock);
  chain.pay(paymentNumber(2));
  const second = follow(paymentNumber(2), 30_000, clock);
  expect(await second).toMatchObject({ kind: 'settled' });
  // The watch also drops the payments of the ended request.
  expect(ended.followed.size).toBe(0);
});

test('an older look does not replace the observation of a newer one', async () => {
  const clock = runningClock();
  const payment = paymentNumber(1);
  const held: { body: unknown; release: (answer: Response) => void }[] = [];
  vi.restoreAllMocks();
  answerHosts({
    'node.test': async (body) => {
      const isPayment = JSON.stringify(body).includes('eth_getLogs');
      if (!isPayment || held.length > 0) return chain.respond(body);
      const answer = chain.respond(body);
      return new Promise<Response>((resolve) => {
        held.push({ body, release: () => resolve(answer) });
      });
    },
  });
  chain.mine();
  const first = follow(payment, 9_000, clock);
  const second = follow(payment, 30_000, clock);
  await clock.sleep(3_000);
  chain.pay(payment);
  expect(await second).toMatchObject({ kind: 'settled' });
  held[0]?.release(new Response());
  expect(await first).toMatchObject({ kind: 'settled' });
});

test('is unknown while no node answers', async () => {
  chain.state.down = true;
  const answered: boolean[] = [];
  const clock = runningClock();
  const observation = await followPayment(
    {
      chain: {
        urls: [RPC],
        confirmations: 1,
        onAnswered: (one) => answered.push(one),
      },
      watch: watchOf(watches, TOKEN.network),
      clock,
    },
    expectedTransfer(paymentNumber(1), 100),
    unused,
    1_000,
    () => false,
  );
  expect(observation.kind).toBe('unknown');
  expect(new Set(answered)).toEqual(new Set([false]));
});
