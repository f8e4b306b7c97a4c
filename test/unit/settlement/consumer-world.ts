import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { consumeSettlement, type SettlementDeps } from '../../../src/settlement/consumer.ts';
import type { DeadLetter } from '../../../src/settlement/dead-letter.ts';
import type { Attempt } from '../../../src/settlement/operator-tables.ts';
import type {
  Payment,
  SettlementMessage,
  SettlementResult,
} from '../../../src/protocol/payment.ts';
import type { SettlementEvent } from '../../../src/settlement/telemetry.ts';
import {
  backendsAt,
  FACILITATOR,
  messageFor,
  NOW,
  paymentNumber,
  RPC,
  standingClock,
  TOKEN,
} from './scripted.ts';
import { answerHosts, scriptChain, type ScriptedChain } from './scripted-chain.ts';

/** The state, which is new for each test. */
type World = {
  chain: ScriptedChain;
  payments: Map<string, Payment>;
  presented: { host: string; nonce: string }[];
  conduct: Record<string, Conduct>;
  reported: { account: AccountId; results: readonly SettlementResult[] }[];
  letters: DeadLetter[];
  sentAgain: { payments: readonly SettlementMessage[]; delaySeconds: number }[];
  refusal: 'none' | 'unavailable' | 'throws';
  deps: SettlementDeps;
  clock: ReturnType<typeof standingClock>;
  recorded: Attempt[];
  forgotten: string[];
  observed: SettlementEvent[];
};

export const world = {} as World;

/** How a facilitator answers a presented payment. */
export type Conduct = (payment: Payment) => Response | Promise<Response>;

export const answerWith = (changes: object): Response =>
  Response.json({ success: false, transaction: '', network: TOKEN.network, ...changes });
export const honest: Conduct = (payment) =>
  answerWith({ success: true, transaction: world.chain.pay(payment) });

export const facilitator =
  (host: string) =>
  (body: unknown, path: string): Response | Promise<Response> => {
    // A facilitator without a readable list counts as supporting the network.
    if (path === '/supported') return new Response('', { status: 404 });
    const { payload } = (
      body as { paymentPayload: { payload: { authorization: { nonce: string } } } }
    ).paymentPayload;
    const { nonce } = payload.authorization;
    world.presented.push({ host, nonce });
    return (world.conduct[host] ?? honest)(world.payments.get(nonce) as Payment);
  };

/** Resets the world before each test. Every file must call it, because test files share modules. */
export const useConsumerWorld = (): void => {
  beforeEach(() => {
    world.chain = scriptChain();
    world.payments = new Map();
    world.presented = [];
    world.conduct = {};
    world.reported = [];
    world.letters = [];
    world.sentAgain = [];
    world.refusal = 'none';
    world.clock = standingClock();
    world.recorded = [];
    world.forgotten = [];
    world.observed = [];
    world.deps = {
      chains: new Map([['eip155:84532', { urls: [RPC], confirmations: 1 }]]),
      backends: backendsAt([FACILITATOR], { clock: world.clock }),
      presentations: new Map(),
      clock: world.clock,
      attempts: {
        record: async (attempts) => void world.recorded.push(...attempts),
        forget: async (ended) => void world.forgotten.push(...ended.map(({ call }) => call)),
      },
      recordHealth: async () => undefined,
      emit: (event) => void world.observed.push(event),
      account: (account) => ({
        settled: async (results) => {
          if (world.refusal === 'throws') throw new Error('object reset');
          if (world.refusal === 'unavailable')
            return await Promise.resolve({ verdict: 'unavailable' });
          world.reported.push({ account, results });
          return { verdict: 'ok' };
        },
      }),
      sendAgain: async (payments, delaySeconds) => {
        world.sentAgain.push({ payments, delaySeconds });
      },
      queue: 'countersign-settlement',
      deadLetter: async (letter) => {
        world.letters.push(letter);
        await Promise.resolve();
      },
    };
    answerHosts({
      'node.test': (body) => world.chain.respond(body),
      'facilitator.test': facilitator('facilitator.test'),
      'second.test': facilitator('second.test'),
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
};

export const deliver = (body: unknown, attempts = 1) => ({
  id: crypto.randomUUID(),
  body,
  attempts,
  ack: vi.fn<() => void>(),
  retry: vi.fn<(options?: { delaySeconds?: number }) => void>(),
});
export type Delivered = ReturnType<typeof deliver>;

export const pay = (
  number: number,
  authorization: Partial<Payment['authorization']> = {},
): Payment => {
  const payment = paymentNumber(number, authorization);
  world.payments.set(payment.authorization.nonce, payment);
  world.chain.balances.set(payment.authorization.from, 1_000n);
  return payment;
};
export const consume = async (messages: readonly Delivered[], now = NOW): Promise<void> => {
  world.clock.set(now);
  await consumeSettlement(messages, world.deps, now);
};
/** Delivers one settle message and returns its outcome. */
export const settleOne = async (payment: Payment, attempts = 1, now = NOW): Promise<Delivered> => {
  const message = deliver(messageFor(payment), attempts);
  await consume([message], now);
  return message;
};
export const outcomes = (): (SettlementResult | undefined)[] =>
  world.reported.flatMap(({ results }) => results);
export const expectAcked = (message: Delivered): void => {
  expect(message.ack).toHaveBeenCalledTimes(1);
  expect(message.retry).not.toHaveBeenCalled();
};
export const expectRetried = (
  message: Delivered,
  delaySeconds: unknown = expect.any(Number),
): void => {
  expect(message.ack).not.toHaveBeenCalled();
  expect(message.retry.mock.calls).toEqual([[{ delaySeconds }]]);
};
