import {
  createExecutionContext,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import type { Offer } from '../../dev/bench/signing.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import gateway from '../../src/index.ts';
import { scriptChain } from '../unit/settlement/scripted-chain.ts';
import { AUDIENCE, environment } from './environment.ts';
import { openMeter, type Sent } from './meter.ts';
import { answerOutside } from './outside.ts';

export const TARGET = '/tools/lookup?word=signature';
/** The queues' settings in `wrangler.toml`: batch timeout and batch size. */
const WAIT = 1;
const BATCH: Readonly<Record<string, number>> = {
  'countersign-settlement': 100,
  'countersign-audit': 20,
};
/** Milliseconds that a busy account waits before it sends or commits. */
const BUSY_MS = 1_000;
/** Seconds without a request after which the runtime evicts an object. */
const HIBERNATES = 10;
/** A delivery that always fails must fail the test instead of hanging it. */
const MOST_ROUNDS = 1_000;

type Waiting = Sent & { readonly at: number; readonly attempts: number };

/**
 * Runs the whole gateway with a clock of its own: the Worker's `fetch` and `queue`, real objects, consumers and D1. Stubs replace the chain
 * (which mines what the facilitator receives), the tool, and the delivery of queue messages.
 */
export const openWorld = async (start: number) => {
  const meter = openMeter();
  const chain = scriptChain();
  let waiting: Waiting[] = [];
  let awake = start;

  const set = (seconds: number): void => {
    vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1_000 });
    chain.mine(seconds);
  };
  set(start);
  // This clock stands still while an account waits for the end of a busy second, so its timers must fire at once.
  const { setTimeout: startTimer } = globalThis;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, ms = 0) =>
    startTimer(work, ms > BUSY_MS ? ms : 0)) as typeof setTimeout);
  answerOutside(chain);
  for (const name of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, name).mockImplementation(() => meter.add('lines'));
  }

  const world = await environment(meter);

  const send = async (path: string, init: RequestInit): Promise<Response> => {
    meter.add('worker');
    const context = createExecutionContext();
    const request = new Request<unknown, IncomingRequestCfProperties>(
      `${AUDIENCE}${path}`,
      init as RequestInit<IncomingRequestCfProperties>,
    );
    const answer = await gateway.fetch(request, world, context);
    await waitOnExecutionContext(context);
    return answer;
  };
  const sendCall = (headers: Readonly<Record<string, string>>): Promise<Response> =>
    send(TARGET, { headers });

  const stubOf = (account: AccountId) => env.AGENT_ACCOUNT.getByName(account);
  const collect = async (account: AccountId): Promise<void> => {
    const at = nowSeconds() + WAIT;
    const sent = await meter.sent(account);
    waiting.push(...sent.map((sent) => ({ ...sent, at, attempts: 1 })));
  };

  const deliver = async (queue: string, now: number): Promise<void> => {
    const due = waiting.filter((one) => one.queue === queue && one.at <= now);
    const batch = due.slice(0, BATCH[queue]);
    if (batch.length === 0) return;
    waiting = waiting.filter((one) => !batch.includes(one));
    meter.add('batches');
    const messages = batch.map((one, index) => ({
      id: `${queue} ${index}`,
      timestamp: new Date(),
      body: one.body,
      attempts: one.attempts,
      ack: () => undefined,
      retry: ({ delaySeconds = 0 }: QueueRetryOptions = {}) => {
        meter.add('operations', one.operations);
        waiting.push({ ...one, at: now + delaySeconds, attempts: one.attempts + 1 });
      },
    }));
    await gateway.queue(
      { queue, messages } as unknown as MessageBatch,
      world,
      createExecutionContext(),
    );
  };

  /** Evicts the object if it has received no request for a while. */
  const wake = async (account: AccountId): Promise<void> => {
    if (nowSeconds() >= awake + HIBERNATES) {
      await evictDurableObject(stubOf(account));
      await meter.watch(account);
    }
    awake = nowSeconds();
  };

  return {
    meter,
    chain,
    wake,
    /** Sends a request to the Worker. Resolves after all work that it started has ended. */
    send,
    offer: async (): Promise<Offer> => {
      const { headers } = await sendCall({});
      return JSON.parse(atob(headers.get('PAYMENT-REQUIRED') ?? '')) as Offer;
    },
    pay: async (payment: string): Promise<void> => {
      const answer = await sendCall({ 'PAYMENT-SIGNATURE': payment });
      if (answer.status !== 200)
        throw new Error(`the paid call returned ${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
    },
    set,
    /** Runs everything that is due by a time, in order: deliveries first, then the alarm. */
    until: async (account: AccountId, end: number): Promise<void> => {
      for (let round = 0; ; round += 1) {
        if (round === MOST_ROUNDS) throw new Error(`the account ${account} never comes to rest`);
        await collect(account);
        const alarm = await runInDurableObject(stubOf(account), (_, { storage }) =>
          storage.getAlarm(),
        );
        const rings = alarm === null ? Infinity : Math.ceil(alarm / 1_000);
        const next = Math.min(rings, ...waiting.map(({ at }) => at));
        if (next === Infinity || next > end) break;
        set(Math.max(next, nowSeconds()));
        await wake(account);
        if (rings <= nowSeconds()) {
          meter.add('alarm');
          await runDurableObjectAlarm(stubOf(account));
        }
        for (const queue of Object.keys(BATCH)) await deliver(queue, nowSeconds());
      }
      if (end < Infinity) set(Math.max(end, nowSeconds()));
    },
  };
};

export type World = Awaited<ReturnType<typeof openWorld>>;
