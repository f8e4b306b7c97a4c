import { afterEach, beforeEach, vi } from 'vitest';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import type { Relay, Relayed } from '../../../../src/protocol/relayer-contract.ts';
import type { Attempt } from '../../../../src/settlement/operator-tables.ts';
import type { RelayerSetting } from '../../../../src/settlement/backends/relayer.ts';
import type { BackendSettings } from '../../../../src/settlement/backends/registry.ts';
import { consumeSettlement, type SettlementDeps } from '../../../../src/settlement/consumer.ts';
import type { Payment, SettlementResult } from '../../../../src/protocol/payment.ts';
import type { SettlementEvent } from '../../../../src/settlement/telemetry.ts';
import {
  backendsAt,
  facilitatorAt,
  messageFor,
  NOW,
  OTHER,
  paymentNumber,
  RPC,
  standingClock,
  TOKEN,
} from '../scripted.ts';
import { answerHosts, scriptChain, type ScriptedChain } from '../scripted-chain.ts';

/** The state, which is new for each test. */
type World = {
  chain: ScriptedChain;
  clock: ReturnType<typeof standingClock>;
  payments: Map<string, Payment>;
  conduct: Record<string, Conduct>;
  /** The presentations, in order. */
  presented: { host: string; nonce: string }[];
  /** Payments that were presented although the chain already showed them, which law 5 forbids. */
  presentedInVain: string[];
  relay: (relays: readonly Relay[], urgent: boolean, key: AccountId) => readonly Relayed[];
  handedOver: { count: number; urgent: boolean }[];
  /** The relayer keys to which payments were handed over, in order. */
  keys: AccountId[];
  reported: SettlementResult[];
  stores: boolean;
  recorded: Attempt[];
  forgotten: string[];
  observed: SettlementEvent[];
  deps: SettlementDeps;
};

export const world = {} as World;

/** Three facilitators, the relayer and one scripted chain. Each test scripts how they treat a payment. */
export const HOSTS = ['a.test', 'b.test', 'c.test'] as const;
export type Conduct = (payment: Payment) => Response | Promise<Response>;

export const answerWith = (changes: object, status = 200): Response =>
  Response.json(
    { success: false, transaction: '', network: TOKEN.network, ...changes },
    { status },
  );
export const honest: Conduct = (payment) =>
  answerWith({ success: true, transaction: world.chain.pay(payment) });
export const TRANSACTION = `0x${'ee'.repeat(32)}`;

export const facilitator =
  (host: string) =>
  async (body: unknown, path: string): Promise<Response> => {
    // A facilitator without a readable list counts as supporting the network.
    if (path === '/supported') return new Response('', { status: 404 });
    const { paymentPayload } = body as {
      paymentPayload: { payload: { authorization: { nonce: string } } };
    };
    const { nonce } = paymentPayload.payload.authorization;
    const payment = world.payments.get(nonce) as Payment;
    if (world.chain.isUsed(payment)) world.presentedInVain.push(nonce);
    world.presented.push({ host, nonce });
    return (world.conduct[host] ?? honest)(payment);
  };

export const openWith = (settings: Partial<BackendSettings> = {}, concurrency = 4) =>
  backendsAt(
    HOSTS.map((host) => facilitatorAt(`https://${host}`, { concurrency })),
    {
      clock: world.clock,
      emit: (event) => void world.observed.push(event),
      relayer: (key) => ({
        relay: async (relays, urgent) => {
          world.handedOver.push({ count: relays.length, urgent });
          world.keys.push(key);
          return world.relay(relays, urgent, key);
        },
      }),
    },
    settings,
  );
export const withRelayer = (
  first = true,
  addresses: RelayerSetting['addresses'] = [OTHER],
): Partial<BackendSettings> => ({
  relayers: new Map([[TOKEN.network, { addresses, batch: 100, wait: 2, maxFeePerGas: 1n, first }]]),
});

/** Resets the world before each test. Every file must call it, because test files share modules. */
export const useFailoverWorld = (): void => {
  beforeEach(() => {
    world.chain = scriptChain();
    world.clock = standingClock();
    world.payments = new Map();
    world.conduct = {};
    world.presented = [];
    world.presentedInVain = [];
    world.handedOver = [];
    world.keys = [];
    world.reported = [];
    world.stores = true;
    world.recorded = [];
    world.forgotten = [];
    world.observed = [];
    world.relay = (relays) => relays.map(({ call }) => ({ call, verdict: 'taken' }));
    world.deps = {
      chains: new Map([[TOKEN.network, { urls: [RPC], confirmations: 1 }]]),
      backends: openWith(),
      presentations: new Map(),
      clock: world.clock,
      account: () => ({
        settled: async (results) => {
          if (!world.stores) return { verdict: 'unavailable' };
          world.reported.push(...results);
          return { verdict: 'ok' };
        },
      }),
      queue: 'countersign-settlement',
      deadLetter: async () => Promise.reject(new Error('no letter expected')),
      sendAgain: async () => Promise.reject(new Error('no further message expected')),
      attempts: {
        record: async (attempts) => void world.recorded.push(...attempts),
        forget: async (ended) => void world.forgotten.push(...ended.map(({ call }) => call)),
      },
      recordHealth: async () => undefined,
      emit: (event) => void world.observed.push(event),
    };
    answerHosts({
      'node.test': (body) => world.chain.respond(body),
      ...Object.fromEntries(HOSTS.map((host) => [host, facilitator(host)])),
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    if (world.presentedInVain.length > 0)
      throw new Error(`world.presented in vain: ${world.presentedInVain.join()}`);
  });
};

export const pay = (
  number: number,
  authorization: Partial<Payment['authorization']> = {},
): Payment => {
  const payment = paymentNumber(number, authorization);
  world.payments.set(payment.authorization.nonce, payment);
  world.chain.balances.set(payment.authorization.from, 1_000n);
  return payment;
};
export const deliver = (payment: Payment, attempts = 1, acceptedAt = NOW) => ({
  id: crypto.randomUUID(),
  body: messageFor(payment, { acceptedAt }),
  attempts,
  ack: vi.fn<() => void>(),
  retry: vi.fn<(options?: { delaySeconds?: number }) => void>(),
});
export type Delivered = ReturnType<typeof deliver>;
export const consume = async (messages: readonly Delivered[], now = NOW): Promise<void> => {
  world.clock.set(now);
  await consumeSettlement(messages, world.deps, now);
};
export const settleOne = async (payment: Payment, attempts = 1, now = NOW): Promise<Delivered> => {
  const message = deliver(payment, attempts);
  await consume([message], now);
  return message;
};
export const isAcked = ({ ack, retry }: Delivered): boolean =>
  ack.mock.calls.length === 1 && retry.mock.calls.length === 0;
export const hosts = (): string[] => world.presented.map(({ host }) => host);
export const standing = (host: string) =>
  world.deps.backends.health().find(({ backend }) => backend === host);

export const FAULTS: [string, Conduct][] = [
  ['500', () => new Response('oops', { status: 500 })],
  ['no connection', () => Promise.reject(new TypeError('connection reset'))],
  ['garbage', () => new Response('<html>')],
  ['another form', () => Response.json({ ok: true })],
  ['429', () => answerWith({ errorReason: 'rate_limit_exceeded' }, 429)],
  ['success without a hash', () => answerWith({ success: true })],
  ['a failure of its own', () => answerWith({ errorReason: 'unexpected_settle_error' }, 500)],
];
