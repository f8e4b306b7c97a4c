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

/** Three facilitators and our relayer, one scripted chain: what each does with a payment is written by the test. */
const HOSTS = ['a.test', 'b.test', 'c.test'] as const;
type Conduct = (payment: Payment) => Response | Promise<Response>;

let chain: ScriptedChain;
let clock: ReturnType<typeof standingClock>;
let payments: Map<string, Payment>;
let conduct: Record<string, Conduct>;
/** Who was shown what, in order. */
let shown: { host: string; nonce: string }[];
/** Law 5: nobody is ever shown what the chain shows. */
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
    // Lists that cannot be read leave everybody in.
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
  test.each(FAULTS)('%s at two of three: the third settles it', async (_, fault) => {
    conduct = { 'a.test': fault, 'b.test': fault };
    expect(isAcked(await settleOne(pay(1)))).toBe(true);
    expect(hosts()).toEqual(['a.test', 'b.test', 'c.test']);
    expect(told).toMatchObject([{ outcome: 'settled' }]);
    expect(standing('a.test')).toMatchObject({ failed: 1, succeeded: 0 });
    expect(standing('c.test')).toMatchObject({ failed: 0, succeeded: 1 });
  });

  test.each<[string, Conduct]>([
    ['500', (one) => (chain.pay(one), new Response('oops', { status: 500 }))],
    ['a broken connection', (one) => (chain.pay(one), Promise.reject(new TypeError('reset')))],
    ['garbage', (one) => (chain.pay(one), new Response('<html>'))],
    ['false failure', (one) => (chain.pay(one), said({ errorReason: 'unexpected_settle_error' }))],
    ['a word of the payer', (one) => (chain.pay(one), said({ errorReason: 'insufficient_funds' }))],
  ])('%s after broadcasting: nobody else is asked', async (_, does) => {
    conduct = { 'a.test': does };
    expect(isAcked(await settleOne(pay(1)))).toBe(true);
    expect(hosts()).toEqual(['a.test']);
    expect(told).toMatchObject([{ outcome: 'settled' }]);
  });

  test('500 after broadcasting, and the block comes a moment later: nobody else is asked', async () => {
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

  test('no answer, and then the node is silent: nobody else is asked, because nobody knows', async () => {
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
  ])('%s: nobody else is asked for two blocks, and it is no fault', async (_, does) => {
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
  });

  test("the payer's own fault is heard of one backend a delivery, and counts against none", async () => {
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

  test('a backend that rejects bound payments is shut out after three, also where the payer sends no key signature', async () => {
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
    'the same about a payment with validAfter %i is the word of the payer, as ever',
    async (validAfter) => {
      conduct['a.test'] = () =>
        said({ errorReason: 'invalid_exact_evm_payload_authorization_valid_after' });
      expect(isAcked(await settleOne(pay(1, { validAfter })))).toBe(false);
      expect(hosts()).toEqual(['a.test']);
      expect(standing('a.test')).toMatchObject({ failed: 0 });
      expect(observed.map(({ event }) => event)).not.toContain('backend_rejects_bound');
    },
  );

  test('where every backend rejects bound payments, one that ends unpresented is the fault of the gateway', async () => {
    for (const host of HOSTS)
      conduct[host] = () =>
        said({ errorReason: 'invalid_exact_evm_payload_authorization_valid_after' });
    const payment = pay(1, { validAfter: BOUND_VALID_AFTER });
    expect(isAcked(await settleOne(payment))).toBe(false);
    expect(hosts()).toEqual(['a.test', 'b.test', 'c.test']);
    // Nor does it suspend the payer: it is presented, and nothing bounced.
    expect(told.map(({ outcome }) => outcome)).toEqual(['sent']);
    chain.mine(NOW + 3_601);
    await settleOne(payment, 2, NOW + 3_602);
    expect(told.at(-1)).toMatchObject({
      outcome: 'failed',
      fault: 'gateway',
      reason: 'not_presented',
    });
  });

  test('a failure without a reason in the payment counts against who claims it', async () => {
    conduct['a.test'] = () => said({ errorReason: 'invalid_exact_evm_transaction_failed' });
    for (let number = 1; number <= 3; number += 1) await settleOne(pay(number));
    expect(standing('a.test')).toMatchObject({ state: 'open', failed: 3 });
  });

  test.each<[string, (payment: Payment) => void]>([
    ['moves the money away', ({ authorization }) => chain.balances.set(authorization.from, 0n)],
    ['cancels', (payment) => chain.cancel(payment)],
  ])('a payer who %s meanwhile cannot shut a backend out for others', async (_, does) => {
    conduct['a.test'] = (payment) => {
      does(payment);
      return said({ errorReason: 'invalid_exact_evm_transaction_failed' });
    };
    for (let number = 1; number <= 20; number += 1) await settleOne(pay(number));
    expect(standing('a.test')).toMatchObject({ state: 'closed', failed: 0 });
  });

  test('what cannot be paid now is shown to nobody', async () => {
    const payment = pay(1);
    chain.balances.set(payment.authorization.from, 999n);
    expect(isAcked(await settleOne(payment))).toBe(false);
    expect(shown).toEqual([]);
    chain.balances.set(payment.authorization.from, 1_000n);
    expect(isAcked(await settleOne(payment, 2))).toBe(true);
  });
});

describe('from round to round', () => {
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
      // A node may be a few blocks behind: so far nobody has lied.
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
    ['another one, shown it two blocks later, has settled: a fault', false],
    ['its own transaction, though another one was shown it: none', true],
  ] as const)('a claimed success, and the chain shows %s', async ([, isTrue]) => {
    const payment = pay(1);
    // The scripted chain names transactions by their blocks: this one is of the block that follows the two.
    const transaction = isTrue ? `0xf${(103).toString(16).padStart(63, '0')}` : TRANSACTION;
    conduct['a.test'] = () => said({ success: true, transaction });
    await settleOne(payment, 1);
    chain.mineMany(2);
    expect(isAcked(await settleOne(payment, 2, NOW + 4))).toBe(true);
    expect(hosts()).toEqual(['a.test', 'b.test']);
    expect(standing('a.test')).toMatchObject({ state: 'closed', failed: isTrue ? 0 : 1 });
  });

  test('a claimed success that the chain shows later is none', async () => {
    let transaction = TRANSACTION;
    conduct['a.test'] = () => said({ success: true, transaction });
    const payment = pay(1);
    await settleOne(payment);
    chain.mine();
    transaction = chain.pay(payment);
    expect(isAcked(await settleOne(payment, 2))).toBe(true);
    expect(standing('a.test')).toMatchObject({ failed: 0, succeeded: 1 });
  });

  test('who is shut out is asked again by one payment of a batch, which settles at the next when it fails', async () => {
    conduct['a.test'] = () => new Response('', { status: 503 });
    await consume([1, 2, 3].map((number) => deliver(pay(number))));
    expect(standing('a.test')).toMatchObject({ state: 'open', failed: 3 });
    shown = [];
    const batch = [4, 5, 6, 7].map((number) =>
      deliver(pay(number, { validBefore: BigInt(NOW + 1_000 + number) })),
    );
    await consume(batch, NOW + 5);
    expect(batch.every(isAcked)).toBe(true);
    // It got the one with the most time.
    expect(shown.filter(({ host }) => host === 'a.test')).toEqual([
      { host: 'a.test', nonce: paymentNumber(7).authorization.nonce },
    ]);
    expect(shown).toHaveLength(5);
    // And once it is well, all of them.
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

  test('all down: nothing is lost, few are asked, and all settle when one is back', async () => {
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
    // 12 each before it opens, at most, 10 more of the last one, and a probe now and then.
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

  test('gets all open payments of a round in one call; what it has taken is left to it', async () => {
    const messages = Array.from({ length: 50 }, (_, at) => deliver(pay(at + 1)));
    await consume(messages);
    expect(handedOver).toEqual([{ count: 50, urgent: false }]);
    expect(shown).toEqual([]);
    expect(messages.every(isAcked)).toBe(true);
    expect(told).toHaveLength(50);
    expect(new Set(told.map((one) => one.outcome === 'sent' && one.backend))).toEqual(
      new Set(['relayer']),
    );
    // One look at the chain: what waits for its batch cannot be there yet.
    expect(chain.batches).toHaveLength(1);
    expect([recorded, forgotten]).toEqual([[], []]);
  });

  test('what has been taken is acknowledged only when its account has stored that', async () => {
    stores = false;
    const message = await settleOne(pay(1));
    expect(isAcked(message)).toBe(false);
    expect(recorded).toMatchObject([{ attempts: 1, error: 'account_unavailable' }]);
  });

  test('near its deadline it is not left to it alone: the balance of that moment decides', async () => {
    const message = await settleOne(pay(1, { validBefore: BigInt(NOW + 200) }));
    expect(handedOver).toHaveLength(1);
    expect(isAcked(message)).toBe(false);
  });

  test('partial verdicts: what it has not taken goes to facilitators in the same round', async () => {
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

  test('a contract wallet goes to it, too', async () => {
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

  test('handed over again it stays with it, whatever the delivery', async () => {
    const payment = pay(1);
    await settleOne(payment);
    chain.mine();
    chain.mine();
    await settleOne(payment, 2, NOW + 15);
    expect(handedOver).toHaveLength(2);
    expect(shown).toEqual([]);
  });

  test('what it took and then refuses goes to facilitators at the next delivery', async () => {
    const payment = pay(1);
    await settleOne(payment);
    after({ 0: 'refused' });
    chain.mineMany(10);
    expect(isAcked(await settleOne(payment, 1, NOW + 15))).toBe(false);
    chain.mineMany(10);
    expect(isAcked(await settleOne(payment, 2, NOW + 32))).toBe(true);
    expect(hosts()).toEqual(['a.test']);
  });

  test('it breaks: facilitators take over, and then it is left alone', async () => {
    relay = () => {
      throw new Error('object reset');
    };
    for (let number = 1; number <= 5; number += 1) {
      expect(isAcked(await settleOne(pay(number)))).toBe(true);
    }
    expect(handedOver).toHaveLength(3);
    expect(hosts()).toEqual(Array.from({ length: 5 }, () => 'a.test'));
  });

  test('last in order, it gets what the facilitators have not', async () => {
    deps = { ...deps, backends: openWith(withRelayer(false)) };
    for (const host of HOSTS) conduct[host] = () => new Response('', { status: 500 });
    expect(isAcked(await settleOne(pay(1)))).toBe(true);
    expect(hosts()).toEqual(['a.test', 'b.test', 'c.test']);
    expect(handedOver).toEqual([{ count: 1, urgent: false }]);
  });

  test('upfront it is told to hurry, and its word is not taken for the money', async () => {
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

describe('whatever they do', () => {
  /** What may come of showing a payment: a word of each kind, before or after it was broadcast, or to be mined later. */
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

  test('every payment ends settled once they are well, none as failed, and none is shown when the chain shows it', async () => {
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
            // What is acknowledged open, the account sends again, as a first delivery.
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
            // A relayer that loses what it has taken is one more that lies.
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

describe('a batch that is more than the first is shown at once', () => {
  const sharesOf = async (count: number) => {
    const messages = Array.from({ length: count }, (_, at) => deliver(pay(at + 1)));
    await consume(messages);
    expect(messages.every(isAcked)).toBe(true);
    return HOSTS.map((host) => hosts().filter((each) => each === host).length);
  };

  test('goes on to our relayer at the same time, in one call', async () => {
    deps = { ...deps, backends: openWith(withRelayer(false), 4) };
    expect(await sharesOf(50)).toEqual([4, 0, 0]);
    expect(handedOver).toEqual([{ count: 46, urgent: false }]);
    // The most urgent ones went to the first.
    expect(shown).toEqual(
      [1, 2, 3, 4].map((number) => ({
        host: 'a.test',
        nonce: paymentNumber(number).authorization.nonce,
      })),
    );
  });

  test('is not shared where it is no more than that', async () => {
    deps = { ...deps, backends: openWith(withRelayer(false), 4) };
    expect(await sharesOf(4)).toEqual([4, 0, 0]);
    expect(handedOver).toEqual([]);
  });

  test('without a relayer waits for the first, and never takes more connections than a Worker has', async () => {
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
    // Deliveries that begin at different ones are asked of all three at once.
    most = 0;
    const messages = Array.from({ length: 24 }, (_, at) => deliver(pay(at + 101), (at % 3) + 1));
    await consume(messages);
    expect(new Set(hosts()).size).toBe(3);
    expect(messages.every(isAcked)).toBe(true);
    expect(most).toBe(6);
  });
});

describe('a round has an end', () => {
  test('however slow they are: nothing begins after its time, and no answer is waited for beyond it', async () => {
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
    // Each has 12 seconds to begin, then it is the next one's turn.
    expect(begun).toEqual([
      ...['a.test 0', 'a.test 10000', 'b.test 20000', 'b.test 30000', 'c.test 40000'],
    ]);
    const acked = messages.filter(isAcked).length;
    expect(acked).toBe(begun.length);
    // The others come again, and are nobody's fault.
    expect(deps.backends.health().every(({ failed }) => failed === 0)).toBe(true);
  });
});

describe('what operators see', () => {
  test('nothing is written of a payment that settles at its first delivery', async () => {
    await consume([deliver(pay(1)), deliver(pay(2))]);
    expect([recorded, forgotten]).toEqual([[], []]);
    // Nor of one that only waits for its block, until it has come a second time.
    conduct['a.test'] = () => said({ errorReason: 'settlement_pending', transaction: TRANSACTION });
    const payment = pay(3);
    await settleOne(payment);
    expect(recorded).toEqual([]);
    await settleOne(payment, 2, NOW + 4);
    expect(recorded).toMatchObject([{ attempts: 2 }]);
  });

  test('trouble is written, and forgotten when the payment has ended', async () => {
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

  test('forgotten, too, where the account has sent it again: that is a first delivery', async () => {
    const payment = pay(1);
    await settleOne(payment, 1, NOW + 15);
    expect(forgotten).toEqual([payment.authorization.nonce]);
  });

  test.each<[string, () => void, string]>([
    ['no node answers', () => (chain.state.down = true), 'chain_unreadable'],
    ['the payer has no money', () => chain.balances.clear(), 'unfunded'],
    [
      'nobody may be asked',
      () => (deps = { ...deps, backends: backendsAt([], { clock }) }),
      'no_backend',
    ],
  ])('%s', async (_, happens, error) => {
    const payment = pay(1);
    happens();
    await settleOne(payment);
    expect(recorded).toMatchObject([{ attempts: 1, error }]);
  });

  test('who declined is named where nobody presented it', async () => {
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

  test('a database that fails or hangs keeps no payment from its account', async () => {
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

  test('ends are told with their age, once for each payment', async () => {
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
