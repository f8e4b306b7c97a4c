import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Relay, Relayed } from '../../../../src/protocol/relayer-contract.ts';
import type { Attempt } from '../../../../src/settlement/operator-tables.ts';
import type { BackendSettings } from '../../../../src/settlement/backends/registry.ts';
import { consumeSettlement, type SettlementDeps } from '../../../../src/settlement/consumer.ts';
import type { Payment, SettlementResult } from '../../../../src/protocol/payment.ts';
import { BOUND_VALID_AFTER } from '../../../../src/protocol/intent/binding.ts';
import { settleNow } from '../../../../src/settlement/present/settle-now.ts';
import type { SettlementEvent } from '../../../../src/settlement/telemetry.ts';
import {
  answerHosts,
  backendsAt,
  facilitatorAt,
  messageFor,
  NOW,
  OTHER,
  paymentNumber,
  RPC,
  scriptChain,
  type ScriptedChain,
  runningClock,
  standingClock,
  TOKEN,
} from '../scripted.ts';

/** Three facilitators, the relayer and one scripted chain. Each test scripts what they do with a payment. */
const HOSTS = ['a.test', 'b.test', 'c.test'] as const;
type Conduct = (payment: Payment) => Response | Promise<Response>;

let chain: ScriptedChain;
let clock: ReturnType<typeof standingClock>;
let payments: Map<string, Payment>;
let conduct: Record<string, Conduct>;
/** Presentations, in order. */
let shown: { host: string; nonce: string }[];
/** Law 5: a payment that the chain shows is presented to no backend. */
let shownInVain: string[];
let relay: (relays: readonly Relay[], urgent: boolean) => readonly Relayed[];
let handedOver: { count: number; urgent: boolean }[];
let told: SettlementResult[];
let stores: boolean;
let recorded: Attempt[];
let forgotten: string[];
let observed: SettlementEvent[];
let deps: SettlementDeps;

const said = (changes: object, status = 200): Response =>
  Response.json(
    { success: false, transaction: '', network: TOKEN.network, ...changes },
    { status },
  );
const honest: Conduct = (payment) => said({ success: true, transaction: chain.pay(payment) });
const TRANSACTION = `0x${'ee'.repeat(32)}`;

const facilitator =
  (host: string) =>
  async (body: unknown, path: string): Promise<Response> => {
    // A facilitator whose list cannot be read counts as supporting the network.
    if (path === '/supported') return new Response('', { status: 404 });
    const { paymentPayload } = body as {
      paymentPayload: { payload: { authorization: { nonce: string } } };
    };
    const { nonce } = paymentPayload.payload.authorization;
    const payment = payments.get(nonce) as Payment;
    if (chain.isUsed(payment)) shownInVain.push(nonce);
    shown.push({ host, nonce });
    return (conduct[host] ?? honest)(payment);
  };

const openWith = (settings: Partial<BackendSettings> = {}, concurrency = 4) =>
  backendsAt(
    HOSTS.map((host) => facilitatorAt(`https://${host}`, { concurrency })),
    {
      clock,
      emit: (event) => void observed.push(event),
      relayer: () => ({
        relay: async (relays, urgent) => {
          handedOver.push({ count: relays.length, urgent });
          return relay(relays, urgent);
        },
      }),
    },
    settings,
  );
const withRelayer = (first = true): Partial<BackendSettings> => ({
  relayers: new Map([
    [TOKEN.network, { address: OTHER, batch: 100, wait: 2, maxFeePerGas: 1n, first }],
  ]),
});

beforeEach(() => {
  chain = scriptChain();
  clock = standingClock();
  payments = new Map();
  conduct = {};
  shown = [];
  shownInVain = [];
  handedOver = [];
  told = [];
  stores = true;
  recorded = [];
  forgotten = [];
  observed = [];
  relay = (relays) => relays.map(({ call }) => ({ call, verdict: 'taken' }));
  deps = {
    chains: new Map([[TOKEN.network, { urls: [RPC], confirmations: 1 }]]),
    backends: openWith(),
    presentations: new Map(),
    clock,
    account: () => ({
      settled: async (results) => {
        if (!stores) return { verdict: 'unavailable' };
        told.push(...results);
        return { verdict: 'ok' };
      },
    }),
    deadLetter: async () => Promise.reject(new Error('no letter expected')),
    attempts: {
      record: async (attempts) => void recorded.push(...attempts),
      forget: async (ended) => void forgotten.push(...ended.map(({ call }) => call)),
    },
    recordHealth: async () => undefined,
    emit: (event) => void observed.push(event),
  };
  answerHosts({
    'node.test': (body) => chain.respond(body),
    ...Object.fromEntries(HOSTS.map((host) => [host, facilitator(host)])),
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  if (shownInVain.length > 0) throw new Error(`shown in vain: ${shownInVain.join()}`);
});

const pay = (number: number, authorization: Partial<Payment['authorization']> = {}): Payment => {
  const payment = paymentNumber(number, authorization);
  payments.set(payment.authorization.nonce, payment);
  chain.balances.set(payment.authorization.from, 1_000n);
  return payment;
};
const deliver = (payment: Payment, attempts = 1, acceptedAt = NOW) => ({
  id: crypto.randomUUID(),
  body: messageFor(payment, { acceptedAt }),
  attempts,
  ack: vi.fn<() => void>(),
  retry: vi.fn<(options?: { delaySeconds?: number }) => void>(),
});
type Delivered = ReturnType<typeof deliver>;
const consume = async (messages: readonly Delivered[], now = NOW): Promise<void> => {
  clock.set(now);
  await consumeSettlement(messages, deps, now);
};
const settleOne = async (payment: Payment, attempts = 1, now = NOW): Promise<Delivered> => {
  const message = deliver(payment, attempts);
  await consume([message], now);
  return message;
};
const isAcked = ({ ack, retry }: Delivered): boolean =>
  ack.mock.calls.length === 1 && retry.mock.calls.length === 0;
const hosts = (): string[] => shown.map(({ host }) => host);
const standing = (host: string) => deps.backends.health().find(({ backend }) => backend === host);

const FAULTS: [string, Conduct][] = [
  ['500', () => new Response('oops', { status: 500 })],
  ['no connection', () => Promise.reject(new TypeError('connection reset'))],
  ['garbage', () => new Response('<html>')],
  ['another form', () => Response.json({ ok: true })],
  ['429', () => said({ errorReason: 'rate_limit_exceeded' }, 429)],
  ['success without a hash', () => said({ success: true })],
  ['a failure of its own', () => said({ errorReason: 'unexpected_settle_error' }, 500)],
];

describe('in one round', () => {
  test.each(FAULTS)(
    '%s at two of three backends: the third settles the payment',
    async (_, fault) => {
      conduct = { 'a.test': fault, 'b.test': fault };
      expect(isAcked(await settleOne(pay(1)))).toBe(true);
      expect(hosts()).toEqual(['a.test', 'b.test', 'c.test']);
      expect(told).toMatchObject([{ outcome: 'settled' }]);
      expect(standing('a.test')).toMatchObject({ failed: 1, succeeded: 0 });
      expect(standing('c.test')).toMatchObject({ failed: 0, succeeded: 1 });
    },
  );

  test.each<[string, Conduct]>([
    ['500', (one) => (chain.pay(one), new Response('oops', { status: 500 }))],
    ['a broken connection', (one) => (chain.pay(one), Promise.reject(new TypeError('reset')))],
    ['garbage', (one) => (chain.pay(one), new Response('<html>'))],
    ['false failure', (one) => (chain.pay(one), said({ errorReason: 'unexpected_settle_error' }))],
    [
      'a failure that blames the payer',
      (one) => (chain.pay(one), said({ errorReason: 'insufficient_funds' })),
    ],
  ])('%s after broadcasting: no other backend gets the payment', async (_, does) => {
    conduct = { 'a.test': does };
    expect(isAcked(await settleOne(pay(1)))).toBe(true);
    expect(hosts()).toEqual(['a.test']);
    expect(told).toMatchObject([{ outcome: 'settled' }]);
  });

  test('500 after broadcasting, with the block a moment later: no other backend gets the payment', async () => {
    const payment = pay(1);
    conduct['a.test'] = () => new Response('oops', { status: 500 });
    const { sleep } = clock;
    clock.sleep = async (milliseconds) => {
      if (shown.length > 0 && !chain.isUsed(payment)) chain.pay(payment);
      await sleep(milliseconds);
    };
    expect(isAcked(await settleOne(payment))).toBe(true);
    expect(hosts()).toEqual(['a.test']);
  });

  test('no answer, and then no answer of the node: no other backend gets the payment, because its state is unknown', async () => {
    conduct['a.test'] = () => {
      chain.state.down = true;
      return new Response('oops', { status: 500 });
    };
    expect(isAcked(await settleOne(pay(1)))).toBe(false);
    expect(hosts()).toEqual(['a.test']);
    expect(told).toMatchObject([{ outcome: 'sent', backend: 'a.test' }]);
  });

  test.each<[string, Conduct]>([
    ['pending', () => said({ errorReason: 'settlement_pending', transaction: TRANSACTION })],
    ['claimed', () => said({ success: true, transaction: TRANSACTION })],
  ])(
    '%s: no other backend gets the payment for two blocks, and no fault is recorded',
    async (_, does) => {
      conduct['a.test'] = does;
      const payment = pay(1);
      expect(isAcked(await settleOne(payment))).toBe(false);
      chain.mine();
      await settleOne(payment, 2, NOW + 4);
      expect(hosts()).toEqual(['a.test']);
      expect(standing('a.test')).toMatchObject({ failed: 0 });
      chain.mine();
      expect(isAcked(await settleOne(payment, 2, NOW + 6))).toBe(true);
      expect(hosts()).toEqual(['a.test', 'b.test']);
    },
  );

  test("the payer's own fault costs one presentation a delivery, and counts against no backend", async () => {
    for (const host of HOSTS)
      conduct[host] = () => said({ errorReason: 'invalid_exact_evm_signature' });
    const payment = pay(1);
    for (let attempts = 1; attempts <= 30; attempts += 1) {
      const message = deliver(payment, attempts);
      await consume([message], NOW + attempts);
    }
    expect(shown).toHaveLength(30);
    expect(hosts().slice(0, 4)).toEqual(['a.test', 'b.test', 'c.test', 'a.test']);
    expect(deps.backends.health().map(({ state, failed }) => [state, failed])).toEqual(
      HOSTS.map(() => ['closed', 0]),
    );
  });

  test.each([
    'invalid_exact_evm_payload_authorization_valid_after',
    'invalid_batch_settlement_evm_payload_authorization_valid_after',
    'authorization_not_yet_valid',
    'FiatTokenV2: authorization is not yet valid',
  ])(
    '%s about a bound payment is the fault of the backend: the next one settles it',
    async (reason) => {
      conduct['a.test'] = () => said({ errorReason: reason });
      expect(isAcked(await settleOne(pay(1, { validAfter: BOUND_VALID_AFTER })))).toBe(true);
      expect(hosts()).toEqual(['a.test', 'b.test']);
      expect(told).toMatchObject([{ outcome: 'settled' }]);
      expect(standing('a.test')).toMatchObject({ failed: 1, succeeded: 0 });
      expect(observed).toContainEqual({
        event: 'backend_rejects_bound',
        network: TOKEN.network,
        backend: 'a.test',
        error: reason.includes(' ') ? 'no_known_reason' : reason,
      });
      expect(observed).toContainEqual(
        expect.objectContaining({ event: 'backend_answered', backend: 'a.test', ok: false }),
      );
    },
  );

  test('pauses a backend that rejects three bound payments, also of a payer without a key signature', async () => {
    conduct['a.test'] = () =>
      said({ errorReason: 'invalid_exact_evm_payload_authorization_valid_after' });
    for (let number = 1; number <= 3; number += 1) {
      const payment = {
        ...pay(number, { validAfter: BOUND_VALID_AFTER }),
        signature: '0x1234' as const,
      };
      payments.set(payment.authorization.nonce, payment);
      await settleOne(payment);
    }
    expect(standing('a.test')).toMatchObject({ state: 'open', failed: 3 });
    expect(told.map(({ outcome }) => outcome)).toEqual(['settled', 'settled', 'settled']);
  });

  test.each([0n, BigInt(NOW - 1), BOUND_VALID_AFTER - 1n])(
    'the same answer about validAfter %i blames the payer',
    async (validAfter) => {
      conduct['a.test'] = () =>
        said({ errorReason: 'invalid_exact_evm_payload_authorization_valid_after' });
      expect(isAcked(await settleOne(pay(1, { validAfter })))).toBe(false);
      expect(hosts()).toEqual(['a.test']);
      expect(standing('a.test')).toMatchObject({ failed: 0 });
      expect(observed.map(({ event }) => event)).not.toContain('backend_rejects_bound');
    },
  );

  test('if every backend rejects bound payments, one that ends unpresented is the fault of the gateway', async () => {
    for (const host of HOSTS)
      conduct[host] = () =>
        said({ errorReason: 'invalid_exact_evm_payload_authorization_valid_after' });
    const payment = pay(1, { validAfter: BOUND_VALID_AFTER });
    expect(isAcked(await settleOne(payment))).toBe(false);
    expect(hosts()).toEqual(['a.test', 'b.test', 'c.test']);
    // The payer keeps its deferred service: the payment was presented and did not bounce.
    expect(told.map(({ outcome }) => outcome)).toEqual(['sent']);
    chain.mine(NOW + 3_601);
    await settleOne(payment, 2, NOW + 3_602);
    expect(told.at(-1)).toMatchObject({
      outcome: 'failed',
      fault: 'gateway',
      reason: 'not_presented',
    });
  });

  test('a failure that the payment does not explain counts against the backend that claims it', async () => {
    conduct['a.test'] = () => said({ errorReason: 'invalid_exact_evm_transaction_failed' });
    for (let number = 1; number <= 3; number += 1) await settleOne(pay(number));
    expect(standing('a.test')).toMatchObject({ state: 'open', failed: 3 });
  });

  test.each<[string, (payment: Payment) => void]>([
    ['moves the money away', ({ authorization }) => chain.balances.set(authorization.from, 0n)],
    ['cancels', (payment) => chain.cancel(payment)],
  ])('a payer that %s meanwhile cannot make others lose a backend', async (_, does) => {
    conduct['a.test'] = (payment) => {
      does(payment);
      return said({ errorReason: 'invalid_exact_evm_transaction_failed' });
    };
    for (let number = 1; number <= 20; number += 1) await settleOne(pay(number));
    expect(standing('a.test')).toMatchObject({ state: 'closed', failed: 0 });
  });

  test('presents no payment that cannot be paid now', async () => {
    const payment = pay(1);
    chain.balances.set(payment.authorization.from, 999n);
    expect(isAcked(await settleOne(payment))).toBe(false);
    expect(shown).toEqual([]);
    chain.balances.set(payment.authorization.from, 1_000n);
    expect(isAcked(await settleOne(payment, 2))).toBe(true);
  });
});

describe('over several rounds', () => {
  test('a claimed success that the chain does not show after ten blocks and half a minute is a fault', async () => {
    conduct['a.test'] = () => said({ success: true, transaction: TRANSACTION });
    for (let number = 1; number <= 3; number += 1) {
      const payment = pay(number);
      const from = NOW + 100 * number;
      await settleOne(payment, 1, from);
      chain.mineMany(9);
      await settleOne(payment, 1, from + 30);
      chain.mine();
      await settleOne(payment, 1, from + 29);
      // A node may lag a few blocks: so far no claim is false.
      expect(standing('a.test')).toMatchObject({ state: 'closed', failed: number - 1 });
      expect(isAcked(await settleOne(payment, 2, from + 30))).toBe(true);
    }
    expect(standing('a.test')).toMatchObject({
      state: 'open',
      failed: 3,
      lastError: 'false_success',
    });
  });

  test.for([
    ['another backend that got it two blocks later settled it: a fault', false],
    [
      'its own transaction is on the chain, although another backend got the payment: no fault',
      true,
    ],
  ] as const)('a claimed success, and the chain shows %s', async ([, isTrue]) => {
    const payment = pay(1);
    // The scripted chain names transactions by their blocks: this one is of the block after these two.
    const transaction = isTrue ? `0xf${(103).toString(16).padStart(63, '0')}` : TRANSACTION;
    conduct['a.test'] = () => said({ success: true, transaction });
    await settleOne(payment, 1);
    chain.mineMany(2);
    expect(isAcked(await settleOne(payment, 2, NOW + 4))).toBe(true);
    expect(hosts()).toEqual(['a.test', 'b.test']);
    expect(standing('a.test')).toMatchObject({ state: 'closed', failed: isTrue ? 0 : 1 });
  });

  test('a claimed success that the chain shows later is no fault', async () => {
    let transaction = TRANSACTION;
    conduct['a.test'] = () => said({ success: true, transaction });
    const payment = pay(1);
    await settleOne(payment);
    chain.mine();
    transaction = chain.pay(payment);
    expect(isAcked(await settleOne(payment, 2))).toBe(true);
    expect(standing('a.test')).toMatchObject({ failed: 0, succeeded: 1 });
  });

  test('one payment of a batch probes a paused backend, and settles at the next backend if the probe fails', async () => {
    conduct['a.test'] = () => new Response('', { status: 503 });
    await consume([1, 2, 3].map((number) => deliver(pay(number))));
    expect(standing('a.test')).toMatchObject({ state: 'open', failed: 3 });
    shown = [];
    const batch = [4, 5, 6, 7].map((number) =>
      deliver(pay(number, { validBefore: BigInt(NOW + 1_000 + number) })),
    );
    await consume(batch, NOW + 5);
    expect(batch.every(isAcked)).toBe(true);
    // The probe got the payment with the latest deadline.
    expect(shown.filter(({ host }) => host === 'a.test')).toEqual([
      { host: 'a.test', nonce: paymentNumber(7).authorization.nonce },
    ]);
    expect(shown).toHaveLength(5);
    // Once it works again it gets all of them.
    conduct = {};
    shown = [];
    await consume(
      [8, 9].map((number) => deliver(pay(number))),
      NOW + 20,
    );
    await consume(
      [10, 11].map((number) => deliver(pay(number))),
      NOW + 21,
    );
    expect(hosts()).toEqual(['b.test', 'a.test', 'a.test', 'a.test']);
  });

  test('every backend down: no payment is lost, few are presented, and all settle when one backend returns', async () => {
    for (const host of HOSTS) conduct[host] = () => new Response('', { status: 503 });
    const batch = Array.from({ length: 20 }, (_, at) => pay(at + 1));
    for (let second = 0; second < 60; second += 2) {
      chain.mine(NOW + second);
      await consume(
        batch.map((payment) => deliver(payment, 2)),
        NOW + second,
      );
    }
    expect(deps.backends.isDown(TOKEN.network)).toBe(true);
    // At most 12 each before the circuit opens, 10 more at the last backend, and a probe now and then.
    expect(shown.length).toBeLessThan(3 * 12 + 10);
    expect(told.every(({ outcome }) => outcome === 'sent')).toBe(true);
    conduct = {};
    const messages = batch.map((payment) => deliver(payment, 3));
    await consume(messages, NOW + 80);
    expect(messages.every(isAcked)).toBe(true);
  });
});

describe('the relayer', () => {
  const after = (verdicts: Record<number, Relayed['verdict']>) => {
    relay = (relays) => relays.map(({ call }, at) => ({ call, verdict: verdicts[at] ?? 'taken' }));
  };
  beforeEach(() => {
    deps = { ...deps, backends: openWith(withRelayer()) };
  });

  test('gets all open payments of a round in one call, and keeps what it has taken', async () => {
    const messages = Array.from({ length: 50 }, (_, at) => deliver(pay(at + 1)));
    await consume(messages);
    expect(handedOver).toEqual([{ count: 50, urgent: false }]);
    expect(shown).toEqual([]);
    expect(messages.every(isAcked)).toBe(true);
    expect(told).toHaveLength(50);
    expect(new Set(told.map((one) => one.outcome === 'sent' && one.backend))).toEqual(
      new Set(['relayer']),
    );
    // One observation: a payment that waits for its batch cannot be on the chain yet.
    expect(chain.batches).toHaveLength(1);
    expect([recorded, forgotten]).toEqual([[], []]);
  });

  test('acknowledges a taken payment only after its account has stored that', async () => {
    stores = false;
    const message = await settleOne(pay(1));
    expect(isAcked(message)).toBe(false);
    expect(recorded).toMatchObject([{ attempts: 1, error: 'account_unavailable' }]);
  });

  test('observes a taken payment again near its deadline, because the balance of that moment decides', async () => {
    const message = await settleOne(pay(1, { validBefore: BigInt(NOW + 200) }));
    expect(handedOver).toHaveLength(1);
    expect(isAcked(message)).toBe(false);
  });

  test('payments that it has not taken go to facilitators in the same round', async () => {
    after({ 1: 'full', 2: 'unsupported', 3: 'refused', 4: 'expired', 5: 'unavailable' });
    const messages = Array.from({ length: 7 }, (_, at) =>
      deliver(pay(at + 1, { validBefore: BigInt(NOW + 1_000 + at) })),
    );
    await consume(messages);
    const nonces = [2, 3, 6].map((number) => paymentNumber(number).authorization.nonce);
    expect(shown).toEqual(nonces.map((nonce) => ({ host: 'a.test', nonce })));
    expect(messages.map(isAcked)).toEqual([true, true, true, false, false, true, true]);
    expect(recorded.map(({ error }) => error)).toEqual(['refused', 'expired']);
  });

  test('gets payments of contract wallets, too', async () => {
    const payment = { ...pay(1), signature: `0x${'11'.repeat(200)}` } as const;
    const given: Relay[] = [];
    relay = (relays) => {
      given.push(...relays);
      return relays.map(({ call }) => ({ call, verdict: 'taken' }));
    };
    await settleOne(payment);
    expect(given).toMatchObject([
      {
        call: payment.authorization.nonce,
        payment: { signature: payment.signature },
        sinceBlock: 100,
      },
    ]);
  });

  test('keeps a taken payment, whatever the delivery', async () => {
    const payment = pay(1);
    await settleOne(payment);
    chain.mine();
    chain.mine();
    await settleOne(payment, 2, NOW + 15);
    expect(handedOver).toHaveLength(2);
    expect(shown).toEqual([]);
  });

  test('a payment that it took and then refuses goes to facilitators at the next delivery', async () => {
    const payment = pay(1);
    await settleOne(payment);
    after({ 0: 'refused' });
    chain.mineMany(10);
    expect(isAcked(await settleOne(payment, 1, NOW + 15))).toBe(false);
    chain.mineMany(10);
    expect(isAcked(await settleOne(payment, 2, NOW + 32))).toBe(true);
    expect(hosts()).toEqual(['a.test']);
  });

  test('fails: facilitators take over, and then it is paused', async () => {
    relay = () => {
      throw new Error('object reset');
    };
    for (let number = 1; number <= 5; number += 1) {
      expect(isAcked(await settleOne(pay(number)))).toBe(true);
    }
    expect(handedOver).toHaveLength(3);
    expect(hosts()).toEqual(Array.from({ length: 5 }, () => 'a.test'));
  });

  test('last in order, gets what the facilitators have not settled', async () => {
    deps = { ...deps, backends: openWith(withRelayer(false)) };
    for (const host of HOSTS) conduct[host] = () => new Response('', { status: 500 });
    expect(isAcked(await settleOne(pay(1)))).toBe(true);
    expect(hosts()).toEqual(['a.test', 'b.test', 'c.test']);
    expect(handedOver).toEqual([{ count: 1, urgent: false }]);
  });

  test('gets upfront payments as urgent, and its verdict does not count as a settlement', async () => {
    const settle = async (payment: Payment) =>
      settleNow(
        {
          chain: { urls: [RPC], confirmations: 1 },
          backends: deps.backends,
          pauses: [1, 1, 1],
          clock,
        },
        {
          account: `eip155:84532:${payment.authorization.from}`,
          call: payment.authorization.nonce,
          payment,
          sinceBlock: 100,
        },
        NOW,
      );
    expect(await settle(pay(1))).toMatchObject({ outcome: 'unknown' });
    relay = (relays) => {
      for (const { payment } of relays) chain.pay(payment);
      return relays.map(({ call }) => ({ call, verdict: 'taken' }));
    };
    expect(await settle(pay(2))).toMatchObject({ outcome: 'settled' });
    after({ 0: 'gas' });
    expect(await settle(pay(3))).toMatchObject({ outcome: 'settled' });
    expect(handedOver.map(({ urgent }) => urgent)).toEqual([true, true, true]);
    expect(hosts()).toEqual(['a.test']);
  });
});

describe('whatever the backends do', () => {
  /** Every kind of answer, before or after the broadcast, with the transaction mined at once or later. */
  const CONDUCTS: Record<string, (later: Set<Payment>) => Conduct> = {
    honest: () => honest,
    '500': () => () => new Response('oops', { status: 500 }),
    '500 after broadcast': () => (one) => (chain.pay(one), new Response('oops', { status: 500 })),
    reset: () => () => Promise.reject(new TypeError('reset')),
    'reset after broadcast': () => (one) => (
      chain.pay(one),
      Promise.reject(new TypeError('reset'))
    ),
    garbage: () => () => new Response('<html>'),
    '429': () => () => new Response('', { status: 429, headers: { 'retry-after': '7' } }),
    pending: (later) => (one) => (
      later.add(one),
      said({ errorReason: 'settlement_pending', transaction: TRANSACTION })
    ),
    'pending for ever': () => () =>
      said({ errorReason: 'settlement_pending', transaction: TRANSACTION }),
    'false success': () => () => said({ success: true, transaction: TRANSACTION }),
    'false failure': () => () => said({ errorReason: 'insufficient_funds' }),
    'failure of its own': () => () => said({ errorReason: 'unexpected_settle_error' }),
    'false failure after broadcast': () => (one) => (
      chain.pay(one),
      said({ errorReason: 'invalid_exact_evm_transaction_failed' })
    ),
    'the node falls silent': () => () => {
      chain.state.down = true;
      return new Response('oops', { status: 500 });
    },
  };
  const kind = fc.constantFrom(...Object.keys(CONDUCTS));
  const verdict = fc.constantFrom<Relayed['verdict'][]>(
    ...(['taken', 'full', 'gas', 'fee', 'refused', 'unsupported', 'unavailable'] as const),
  );
  const script = fc.record({
    rounds: fc.array(
      fc.record({
        kinds: fc.tuple(kind, kind, kind),
        verdict,
        keeps: fc.boolean(),
        pause: fc.integer({ min: 1, max: 40 }),
      }),
      { maxLength: 12 },
    ),
    relayer: fc.boolean(),
    count: fc.integer({ min: 1, max: 8 }),
  });

  test('every payment settles once the backends work, none fails, and none is presented after the chain shows it', async () => {
    await fc.assert(
      fc.asyncProperty(script, async ({ rounds, relayer, count }) => {
        chain = scriptChain();
        payments = new Map();
        told = [];
        deps = {
          ...deps,
          backends: openWith(relayer ? withRelayer() : {}),
          presentations: new Map(),
        };
        const later = new Set<Payment>();
        const waiting = new Map(
          Array.from({ length: count }, (_, at): [Payment, number] => [pay(at + 1), 1]),
        );
        let now = NOW;
        const round = async (pause: number): Promise<void> => {
          const batch = [...waiting].map(([payment, attempts]) => deliver(payment, attempts));
          await consume(batch, now);
          for (const [at, [payment, attempts]] of [...waiting].entries()) {
            // The account sends an open payment that was acknowledged again, as a first delivery.
            waiting.set(payment, batch[at]?.ack.mock.calls.length === 1 ? 1 : attempts + 1);
            const end = told.find(
              ({ call, outcome }) => call === payment.authorization.nonce && outcome !== 'sent',
            );
            if (end !== undefined) waiting.delete(payment);
          }
          now += pause;
          chain.state.down = false;
          for (const payment of later) if (!chain.isUsed(payment)) chain.pay(payment);
          later.clear();
          chain.mine(now);
          chain.mine(now);
        };
        for (const { kinds, verdict: says, keeps, pause } of rounds) {
          for (const [at, host] of HOSTS.entries()) {
            conduct[host] = CONDUCTS[kinds[at] ?? 'honest']?.(later) ?? honest;
          }
          relay = (relays) => {
            // A relayer that loses what it has taken behaves like a backend with false claims.
            if (keeps) for (const one of relays) later.add(one.payment);
            return relays.map(({ call }) => ({ call, verdict: says }));
          };
          await round(pause);
        }
        conduct = {};
        relay = (relays) => {
          for (const one of relays) later.add(one.payment);
          return relays.map(({ call }) => ({ call, verdict: 'taken' }));
        };
        for (let left = 40; left > 0 && waiting.size > 0; left -= 1) await round(15);
        expect(waiting.size).toBe(0);
        const ends = told.filter(({ outcome }) => outcome !== 'sent');
        expect(ends).toHaveLength(count);
        expect(ends.every(({ outcome }) => outcome === 'settled')).toBe(true);
        expect(shownInVain).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a batch beyond the width of the first backend', () => {
  const sharesOf = async (count: number) => {
    const messages = Array.from({ length: count }, (_, at) => deliver(pay(at + 1)));
    await consume(messages);
    expect(messages.every(isAcked)).toBe(true);
    return HOSTS.map((host) => hosts().filter((each) => each === host).length);
  };

  test('goes to the relayer at the same time, in one call', async () => {
    deps = { ...deps, backends: openWith(withRelayer(false), 4) };
    expect(await sharesOf(50)).toEqual([4, 0, 0]);
    expect(handedOver).toEqual([{ count: 46, urgent: false }]);
    // The most urgent payments went to the first backend.
    expect(shown).toEqual(
      [1, 2, 3, 4].map((number) => ({
        host: 'a.test',
        nonce: paymentNumber(number).authorization.nonce,
      })),
    );
  });

  test('is not shared up to that width', async () => {
    deps = { ...deps, backends: openWith(withRelayer(false), 4) };
    expect(await sharesOf(4)).toEqual([4, 0, 0]);
    expect(handedOver).toEqual([]);
  });

  test('waits for the first backend without a relayer, and never uses more connections than a Worker has', async () => {
    clock = runningClock();
    deps = { ...deps, clock, backends: openWith({}, 32) };
    let [onTheWay, most] = [0, 0];
    for (const host of HOSTS) {
      conduct[host] = async (payment) => {
        onTheWay += 1;
        most = Math.max(most, onTheWay);
        await clock.sleep(1_000);
        onTheWay -= 1;
        return honest(payment);
      };
    }
    expect(await sharesOf(24)).toEqual([24, 0, 0]);
    expect(most).toBe(6);
    // Deliveries that start at different backends use all three at once.
    most = 0;
    const messages = Array.from({ length: 24 }, (_, at) => deliver(pay(at + 101), (at % 3) + 1));
    await consume(messages);
    expect(new Set(hosts()).size).toBe(3);
    expect(messages.every(isAcked)).toBe(true);
    expect(most).toBe(6);
  });
});

describe('the end of a round', () => {
  test('starts no presentation after its time, and waits for no answer beyond it, however slow the backends are', async () => {
    const from = NOW * 1_000;
    const begun: string[] = [];
    clock = runningClock();
    deps = { ...deps, clock, backends: openWith({}, 1) };
    // Each answer takes ten seconds of the clock.
    for (const host of HOSTS) {
      conduct[host] = async (payment) => {
        begun.push(`${host} ${clock.now() - from}`);
        await clock.sleep(10_000);
        return honest(payment);
      };
    }
    const messages = Array.from({ length: 50 }, (_, at) => deliver(pay(at + 1)));
    await consume(messages);
    // Each backend has 12 seconds to start presentations, then the next one gets its turn.
    expect(begun).toEqual([
      ...['a.test 0', 'a.test 10000', 'b.test 20000', 'b.test 30000', 'c.test 40000'],
    ]);
    const acked = messages.filter(isAcked).length;
    expect(acked).toBe(begun.length);
    // The other payments are retried, and count against no backend.
    expect(deps.backends.health().every(({ failed }) => failed === 0)).toBe(true);
  });
});

describe('the records for operators', () => {
  test('have no row for a payment that settles at its first delivery', async () => {
    await consume([deliver(pay(1)), deliver(pay(2))]);
    expect([recorded, forgotten]).toEqual([[], []]);
    // Nor for one that only waits for its block, until its second delivery.
    conduct['a.test'] = () => said({ errorReason: 'settlement_pending', transaction: TRANSACTION });
    const payment = pay(3);
    await settleOne(payment);
    expect(recorded).toEqual([]);
    await settleOne(payment, 2, NOW + 4);
    expect(recorded).toMatchObject([{ attempts: 2 }]);
  });

  test('have a row for trouble until the payment has ended', async () => {
    for (const host of HOSTS)
      conduct[host] = () => said({ errorReason: 'unexpected_settle_error' });
    const payment = pay(1);
    const { nonce } = payment.authorization;
    await settleOne(payment);
    await settleOne(payment, 2, NOW + 3);
    expect(recorded).toEqual([
      {
        account: messageFor(payment).account,
        call: nonce,
        attempts: 1,
        backend: 'c.test',
        error: 'unexpected_settle_error',
        at: NOW,
      },
      expect.objectContaining({ attempts: 2, backend: 'a.test', at: NOW + 3 }),
    ]);
    conduct = {};
    await settleOne(payment, 3, NOW + 7);
    expect(forgotten).toEqual([nonce]);
  });

  test('have no row after the account has sent the payment again, which is a first delivery', async () => {
    const payment = pay(1);
    await settleOne(payment, 1, NOW + 15);
    expect(forgotten).toEqual([payment.authorization.nonce]);
  });

  test.each<[string, () => void, string]>([
    ['no node answers', () => (chain.state.down = true), 'chain_unreadable'],
    ['the payer has no money', () => chain.balances.clear(), 'unfunded'],
    [
      'every backend is paused',
      () => (deps = { ...deps, backends: backendsAt([], { clock }) }),
      'no_backend',
    ],
  ])('%s', async (_, happens, error) => {
    const payment = pay(1);
    happens();
    await settleOne(payment);
    expect(recorded).toMatchObject([{ attempts: 1, error }]);
  });

  test('name the backend that declined if none presented the payment', async () => {
    deps = {
      ...deps,
      backends: backendsAt(
        [],
        {
          clock,
          relayer: () => ({
            relay: async (relays) => relays.map(({ call }) => ({ call, verdict: 'gas' })),
          }),
        },
        withRelayer(),
      ),
    };
    await settleOne(pay(1));
    expect(recorded).toMatchObject([{ backend: 'relayer', error: 'gas' }]);
  });

  test('delay no result to an account when the database fails or hangs', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    deps = {
      ...deps,
      attempts: {
        record: async () => Promise.reject(new Error('D1')),
        forget: async () => Promise.reject(new Error('D1')),
      },
      recordHealth: async () => Promise.reject(new Error('D1')),
    };
    expect(isAcked(await settleOne(pay(1), 2))).toBe(true);
    expect(log).toHaveBeenCalledTimes(1);
  });

  test('get one event per ended payment, with its age', async () => {
    const payment = pay(1);
    await consume([deliver(payment), deliver(payment)], NOW + 7);
    expect(observed.filter(({ event }) => event.startsWith('payment_'))).toEqual([
      { event: 'payment_settled', network: TOKEN.network, amount: 1_000n, age: 7 },
    ]);
    observed = [];
    stores = false;
    await settleOne(payment);
    expect(observed.filter(({ event }) => event.startsWith('payment_'))).toEqual([]);
  });
});
