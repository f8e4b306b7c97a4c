import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { consumeSettlement, type SettlementDeps } from '../../../src/settlement/consumer.ts';
import type { DeadLetter } from '../../../src/settlement/dead-letter.ts';
import type { Attempt } from '../../../src/settlement/operator-tables.ts';
import type { Payment, SettlementResult } from '../../../src/protocol/payment.ts';
import type { SettlementEvent } from '../../../src/settlement/telemetry.ts';
import {
  answerHosts,
  backendsAt,
  canceledLog,
  FACILITATOR,
  messageFor,
  NOW,
  OTHER,
  PAY_TO,
  paymentNumber,
  RPC,
  scriptChain,
  type ScriptedChain,
  standingClock,
  TOKEN,
  transferLog,
  usedLog,
} from './scripted.ts';

/** What a facilitator does with a presented payment. */
type Conduct = (payment: Payment) => Response | Promise<Response>;

let chain: ScriptedChain;
let payments: Map<string, Payment>;
let presented: { host: string; nonce: string }[];
let conduct: Record<string, Conduct>;
let told: { account: AccountId; results: readonly SettlementResult[] }[];
let letters: DeadLetter[];
let refusal: 'none' | 'unavailable' | 'throws';
let deps: SettlementDeps;
let clock: ReturnType<typeof standingClock>;
let recorded: Attempt[];
let forgotten: string[];
let observed: SettlementEvent[];

const said = (changes: object): Response =>
  Response.json({ success: false, transaction: '', network: TOKEN.network, ...changes });
const honest: Conduct = (payment) => said({ success: true, transaction: chain.pay(payment) });

const facilitator =
  (host: string) =>
  (body: unknown, path: string): Response | Promise<Response> => {
    // A facilitator whose list cannot be read counts as supporting the network.
    if (path === '/supported') return new Response('', { status: 404 });
    const { payload } = (
      body as { paymentPayload: { payload: { authorization: { nonce: string } } } }
    ).paymentPayload;
    const { nonce } = payload.authorization;
    presented.push({ host, nonce });
    return (conduct[host] ?? honest)(payments.get(nonce) as Payment);
  };

beforeEach(() => {
  chain = scriptChain();
  payments = new Map();
  presented = [];
  conduct = {};
  told = [];
  letters = [];
  refusal = 'none';
  clock = standingClock();
  recorded = [];
  forgotten = [];
  observed = [];
  deps = {
    chains: new Map([['eip155:84532', { urls: [RPC], confirmations: 1 }]]),
    backends: backendsAt([FACILITATOR], { clock }),
    presentations: new Map(),
    clock,
    attempts: {
      record: async (attempts) => void recorded.push(...attempts),
      forget: async (ended) => void forgotten.push(...ended.map(({ call }) => call)),
    },
    recordHealth: async () => undefined,
    emit: (event) => void observed.push(event),
    account: (account) => ({
      settled: async (results) => {
        if (refusal === 'throws') throw new Error('object reset');
        if (refusal === 'unavailable') return await Promise.resolve({ verdict: 'unavailable' });
        told.push({ account, results });
        return { verdict: 'ok' };
      },
    }),
    deadLetter: async (letter) => {
      letters.push(letter);
      await Promise.resolve();
    },
  };
  answerHosts({
    'node.test': (body) => chain.respond(body),
    'facilitator.test': facilitator('facilitator.test'),
    'second.test': facilitator('second.test'),
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const deliver = (body: unknown, attempts = 1) => ({
  id: crypto.randomUUID(),
  body,
  attempts,
  ack: vi.fn<() => void>(),
  retry: vi.fn<(options?: { delaySeconds?: number }) => void>(),
});
type Delivered = ReturnType<typeof deliver>;

const pay = (number: number, authorization: Partial<Payment['authorization']> = {}): Payment => {
  const payment = paymentNumber(number, authorization);
  payments.set(payment.authorization.nonce, payment);
  chain.balances.set(payment.authorization.from, 1_000n);
  return payment;
};
const consume = async (messages: readonly Delivered[], now = NOW): Promise<void> => {
  clock.set(now);
  await consumeSettlement(messages, deps, now);
};
/** Delivers one settle message and returns what became of it. */
const settleOne = async (payment: Payment, attempts = 1, now = NOW): Promise<Delivered> => {
  const message = deliver(messageFor(payment), attempts);
  await consume([message], now);
  return message;
};
const outcomes = (): (SettlementResult | undefined)[] => told.flatMap(({ results }) => results);
const expectAcked = (message: Delivered): void => {
  expect(message.ack).toHaveBeenCalledTimes(1);
  expect(message.retry).not.toHaveBeenCalled();
};
const expectRetried = (message: Delivered, delaySeconds: unknown = expect.any(Number)): void => {
  expect(message.ack).not.toHaveBeenCalled();
  expect(message.retry.mock.calls).toEqual([[{ delaySeconds }]]);
};

describe('a payment that cannot be presented', () => {
  const refused: Conduct = () => said({ errorReason: 'invalid_exact_evm_signature' });
  const sent = { outcome: 'sent', backend: 'facilitator.test' };
  const bounced = (reason: string) => ({
    outcome: 'bounced',
    reason,
    backend: 'facilitator.test',
  });

  test.each<[string, string, (payment: Payment) => void]>([
    [
      'the token moves nothing from its payer',
      'refused',
      ({ authorization }) => void chain.refusing.add(authorization.from),
    ],
    [
      'code at the payer does not accept the signature',
      'code',
      ({ authorization }) => void chain.codes.set(authorization.from, '0x00'),
    ],
  ])(
    'is reported to its account with the reason that our node shows: %s',
    async (_, reason, happens) => {
      conduct['facilitator.test'] = refused;
      const payment = pay(1);
      happens(payment);
      expectRetried(await settleOne(payment));
      expect(outcomes()).toMatchObject([bounced(reason)]);
      expect(recorded.at(-1)?.error).toBe(`bounced_${reason}`);
    },
  );

  test('is reported also if it was not presented, because its payer lacks funds', async () => {
    const payment = pay(1);
    chain.balances.set(payment.authorization.from, 999n);
    expectRetried(await settleOne(payment));
    expect(presented).toEqual([]);
    expect(outcomes()).toEqual([
      { call: payment.authorization.nonce, outcome: 'bounced', reason: 'unfunded' },
    ]);
  });

  test.each([
    'invalid_exact_evm_signature',
    'invalid_exact_evm_payload_authorization_valid_after',
    'insufficient_funds',
    'no reason at all',
  ])(
    'has not bounced if a facilitator claims "%s" and our node would move it',
    async (errorReason) => {
      conduct['facilitator.test'] = () => said({ errorReason });
      await settleOne(pay(1));
      expect(outcomes()).toMatchObject([sent]);
    },
  );

  test.each<[string, (payment: Payment) => void]>([
    ['the token is paused, or transfers nothing to us', () => void chain.refusing.add(PAY_TO)],
    ['the node does not answer', () => void chain.hidden.add('eth_getCode')],
    ['the node lags behind the block of acceptance', () => void (chain.state.head = 100)],
  ])('does not cost its payer deferred service if %s', async (_, happens) => {
    conduct['facilitator.test'] = refused;
    const payment = pay(1);
    chain.refusing.add(payment.authorization.from);
    chain.mine();
    const message = deliver(messageFor(payment, { sinceBlock: 101 }));
    await consume([message]);
    expect(outcomes()).toMatchObject([bounced('refused')]);
    told = [];
    happens(payment);
    await consume([deliver(messageFor(payment, { sinceBlock: 101 }), 2)], NOW + 40);
    expect(outcomes().filter((one) => one?.outcome === 'bounced')).toEqual([]);
  });

  test('is queried after fifteen seconds, even if a backend has it in hand', async () => {
    conduct['facilitator.test'] = () =>
      said({ success: true, transaction: `0x${'ee'.repeat(32)}` });
    const payment = pay(1);
    chain.refusing.add(payment.authorization.from);
    const body = messageFor(payment, { acceptedAt: NOW });
    await consume([deliver(body)]);
    expect(outcomes()).toMatchObject([sent]);
    await consume([deliver(body, 2)], NOW + 15);
    expect(outcomes().at(-1)).toMatchObject({ outcome: 'bounced', reason: 'refused' });
  });

  test('costs settling payments no query', async () => {
    await settleOne(pay(1));
    expect(chain.batches.flat().filter(({ method }) => method === 'eth_getCode')).toEqual([]);
  });
});

describe('the chain decides', () => {
  test('presents, observes again, reports to the account, acknowledges', async () => {
    const payment = pay(1);
    const message = await settleOne(payment);
    expectAcked(message);
    expect(told).toMatchObject([
      {
        account: messageFor(payment).account,
        results: [{ call: payment.authorization.nonce, outcome: 'settled', block: 101 }],
      },
    ]);
  });

  test('presents no used nonce: a third account settled it', async () => {
    const payment = pay(1);
    const transaction = chain.pay(payment);
    expectAcked(await settleOne(payment));
    expect(presented).toEqual([]);
    expect(outcomes()).toMatchObject([{ outcome: 'settled', transaction }]);
  });

  test('settles nothing on a claimed success without a transfer, and presents again after two blocks', async () => {
    const payment = pay(1);
    conduct['facilitator.test'] = () =>
      said({ success: true, transaction: `0x${'ee'.repeat(32)}` });
    expectRetried(await settleOne(payment), 4);
    expect(outcomes()).toMatchObject([{ outcome: 'sent', backend: 'facilitator.test' }]);
    chain.mine();
    expectRetried(await settleOne(payment, 2, NOW + 2));
    expect(presented).toHaveLength(1);
    chain.mine();
    conduct = {};
    expectAcked(await settleOne(payment, 3, NOW + 6));
    expect(presented).toHaveLength(2);
  });

  test.each<[string, Conduct]>([
    [
      'failure is claimed after a transfer',
      (payment) => (chain.pay(payment), said({ errorReason: 'insufficient_funds' })),
    ],
    [
      '500 after broadcasting',
      (payment) => (chain.pay(payment), new Response('oops', { status: 500 })),
    ],
    [
      'the connection breaks after broadcasting',
      (payment) => {
        chain.pay(payment);
        throw new TypeError('connection reset');
      },
    ],
    [
      'pending, and then a block comes',
      (payment) => said({ errorReason: 'settlement_pending', transaction: chain.pay(payment) }),
    ],
  ])('settles although: %s', async (_, does) => {
    conduct['facilitator.test'] = does;
    expectAcked(await settleOne(pay(1)));
    expect(outcomes()).toMatchObject([{ outcome: 'settled' }]);
  });

  test.each<[string, (payment: Payment) => void, string]>([
    [
      'spent on itself',
      (one) =>
        chain.emit(
          [usedLog(one), transferLog(one, { to: one.authorization.from })],
          [one.authorization.nonce],
        ),
      'spent_otherwise',
    ],
    ['cancelled', (one) => chain.emit([canceledLog(one)], [one.authorization.nonce]), 'cancelled'],
  ])("the payer's fault: %s", async (_, spend, reason) => {
    const payment = pay(1);
    spend(payment);
    expectAcked(await settleOne(payment));
    expect(presented).toEqual([]);
    expect(outcomes()).toMatchObject([{ outcome: 'failed', fault: 'payer', reason }]);
  });

  test('counts a twin transfer in one transaction for one payment only', async () => {
    const [first, twin] = [pay(1), pay(2, { from: paymentNumber(1).authorization.from })];
    chain.emit(
      [usedLog(first), transferLog(first, { to: OTHER }), usedLog(twin), transferLog(twin)],
      [first.authorization.nonce, twin.authorization.nonce],
    );
    await consume([deliver(messageFor(first)), deliver(messageFor(twin))]);
    const byCall = new Map(outcomes().map((one) => [one?.call, one?.outcome]));
    expect(byCall.get(first.authorization.nonce)).toBe('failed');
    expect(byCall.get(twin.authorization.nonce)).toBe('settled');
  });
});

describe('without the chain nothing is final', () => {
  test('the node is down: presents nothing, and reports nothing', async () => {
    chain.state.down = true;
    const message = await settleOne(pay(1));
    expectRetried(message, 2);
    expect(presented).toEqual([]);
    expect(told).toEqual([]);
  });

  test('the node goes down after presenting: reports sent, and no more', async () => {
    const payment = pay(1);
    conduct['facilitator.test'] = (one) => {
      const transaction = chain.pay(one);
      chain.state.down = true;
      return said({ success: true, transaction });
    };
    expectRetried(await settleOne(payment));
    expect(outcomes()).toMatchObject([{ outcome: 'sent' }]);
    chain.state.down = false;
    expectAcked(await settleOne(payment, 2));
    expect(presented).toHaveLength(1);
  });

  test('waits for the confirmations of a settlement', async () => {
    deps = { ...deps, chains: new Map([['eip155:84532', { urls: [RPC], confirmations: 2 }]]) };
    const payment = pay(1);
    expectRetried(await settleOne(payment));
    expect(outcomes()).toMatchObject([{ outcome: 'sent' }]);
    chain.mine();
    expectAcked(await settleOne(payment, 2));
    expect(presented).toHaveLength(1);
  });

  test('payments of a network that was removed from the configuration wait', async () => {
    deps = { ...deps, chains: new Map() };
    expectRetried(await settleOne(pay(1)));
    expect(told).toEqual([]);
  });

  test('no backend for ten minutes: makes no debt, and settles afterwards', async () => {
    const payment = pay(1);
    conduct['facilitator.test'] = () => {
      throw new TypeError('connection refused');
    };
    for (let attempts = 1, now = NOW; now < NOW + 600; attempts += 1) {
      const message = await settleOne(payment, (attempts % 7) + 1, now);
      expectRetried(message);
      now += message.retry.mock.calls[0]?.[0]?.delaySeconds ?? 0;
      chain.mine(now);
    }
    expect(outcomes().every((one) => one?.outcome === 'sent')).toBe(true);
    conduct = {};
    expect(presented.length).toBeLessThan(60);
    expectAcked(await settleOne(payment, 20, NOW + 630));
    expect(outcomes().at(-1)).toMatchObject({ outcome: 'settled' });
  });
});

describe('past validBefore', () => {
  const late = { validBefore: BigInt(NOW + 10) };

  test('by the clock only, without new blocks: nothing is final and nothing is presented', async () => {
    expectRetried(await settleOne(pay(1, late), 3, NOW + 1_000), 8);
    expect(presented).toEqual([]);
    expect(told).toEqual([]);
  });

  test('unused and funded is our loss, and no debt', async () => {
    const payment = pay(1, late);
    chain.mine(NOW + 11);
    expectAcked(await settleOne(payment, 3, NOW + 12));
    expect(outcomes()).toEqual([
      {
        call: payment.authorization.nonce,
        outcome: 'failed',
        fault: 'gateway',
        reason: 'not_presented',
      },
    ]);
  });

  test("unused and one unit short is the payer's debt", async () => {
    const payment = pay(1, late);
    chain.balances.set(payment.authorization.from, 999n);
    chain.mine(NOW + 11);
    expectAcked(await settleOne(payment, 3, NOW + 12));
    expect(outcomes()).toMatchObject([{ outcome: 'failed', fault: 'payer', reason: 'unfunded' }]);
  });

  test('nothing is final in the block dated at validBefore', async () => {
    const payment = pay(1, late);
    chain.mine(NOW + 10);
    expectRetried(await settleOne(payment, 3, NOW + 12));
    expect(told).toEqual([]);
  });

  test('no pause extends far beyond the deadline', async () => {
    conduct['facilitator.test'] = () => said({ errorReason: 'insufficient_funds' });
    expectRetried(await settleOne(pay(1, late), 6, NOW + 5), 7);
    expect(presented).toHaveLength(1);
  });
});

describe('observing released payments', () => {
  const released = (payment: Payment) => {
    const { signature: _, ...message } = messageFor(payment, { kind: 'look' });
    return deliver(message);
  };
  const late = { validBefore: BigInt(NOW + 10) };

  test('presents none of them while they are valid', async () => {
    const message = released(pay(1));
    await consume([message]);
    expectRetried(message);
    expect(presented).toEqual([]);
  });

  test('reports one that another party settled later', async () => {
    const payment = pay(1, late);
    chain.pay(payment);
    const message = released(payment);
    await consume([message], NOW + 60);
    expectAcked(message);
    expect(outcomes()).toMatchObject([{ outcome: 'settled' }]);
  });

  test('leaves them released, without debt, if unused after validBefore, spent otherwise or cancelled', async () => {
    const [unused, spent, cancelled] = [pay(1, late), pay(2, late), pay(3, late)];
    chain.emit([usedLog(spent), transferLog(spent, { to: OTHER })], [spent.authorization.nonce]);
    chain.emit([canceledLog(cancelled)], [cancelled.authorization.nonce]);
    chain.mine(NOW + 11);
    chain.balances.clear();
    const messages = [unused, spent, cancelled].map(released);
    await consume(messages, NOW + 60);
    for (const message of messages) expectAcked(message);
    expect(outcomes().map((one) => one?.outcome)).toEqual(['released', 'released', 'released']);
  });
});

describe('the queue', () => {
  test('acknowledges only after the account has stored the result', async () => {
    const payment = pay(1);
    for (const how of ['unavailable', 'throws'] as const) {
      refusal = how;
      expectRetried(await settleOne(payment));
    }
    refusal = 'none';
    expectAcked(await settleOne(payment, 2));
    expect(outcomes()).toMatchObject([{ outcome: 'settled' }]);
    expect(presented).toHaveLength(1);
  });

  test('an account that does not answer delays no other account', async () => {
    const [bad, good] = [pay(1), pay(2)];
    const { account } = deps;
    deps = {
      ...deps,
      account: (id) => {
        if (id === messageFor(bad).account) throw new Error('overloaded');
        return account(id);
      },
    };
    const messages = [deliver(messageFor(bad)), deliver(messageFor(good))];
    await consume(messages);
    expectRetried(messages[0] as Delivered);
    expectAcked(messages[1] as Delivered);
    expect(told.map(({ account: id }) => id)).toEqual([messageFor(good).account]);
  });

  test('sends the results of one account in one call', async () => {
    const { from } = paymentNumber(1).authorization;
    const own = [pay(1), pay(2, { from }), pay(3, { from })];
    await consume(own.map((one) => deliver(messageFor(one))));
    expect(told).toHaveLength(1);
    expect(told[0]?.results).toHaveLength(3);
  });

  test('presents and reports a message once that is delivered twice', async () => {
    const payment = pay(1);
    const messages = [deliver(messageFor(payment)), deliver(messageFor(payment))];
    await consume(messages);
    for (const message of messages) expectAcked(message);
    expect(presented).toHaveLength(1);
    expect(outcomes()).toHaveLength(1);
  });

  test('makes a malformed message a dead letter, and settles the other messages', async () => {
    const payment = pay(1);
    const messages = [deliver({ ...messageFor(payment), call: 'x' }), deliver(messageFor(payment))];
    await consume(messages);
    for (const message of messages) expectAcked(message);
    expect(letters).toMatchObject([
      { id: messages[0]?.id, queue: 'countersign-settlement', reason: 'malformed: call', at: NOW },
    ]);
    expect(outcomes()).toMatchObject([{ outcome: 'settled' }]);
  });

  test('retries a dead letter that was not recorded', async () => {
    deps = {
      ...deps,
      deadLetter: async () => await Promise.reject(new Error('database')),
    };
    const message = deliver('junk');
    await consume([message]);
    expectRetried(message);
    expect(letters).toEqual([]);
  });

  test('doubles pauses up to a minute', async () => {
    chain.state.down = true;
    const pauses: (number | undefined)[] = [];
    for (let attempts = 1; attempts <= 7; attempts += 1) {
      const message = await settleOne(pay(1), attempts);
      pauses.push(message.retry.mock.calls[0]?.[0]?.delaySeconds);
    }
    expect(pauses).toEqual([2, 4, 8, 16, 32, 60, 60]);
  });

  test('leaves a waiting payment to the next message after eight deliveries, and keeps it open', async () => {
    const payment = pay(1);
    conduct['facilitator.test'] = () => said({ errorReason: 'insufficient_funds' });
    expectRetried(await settleOne(payment, 7));
    expectAcked(await settleOne(payment, 8, NOW + 60));
    chain.state.down = true;
    expectAcked(await settleOne(payment, 8, NOW + 120));
    expect(new Set(outcomes().map((one) => one?.outcome))).toEqual(new Set(['sent']));
    chain.state.down = false;
    conduct = {};
    expectAcked(await settleOne(payment, 1, NOW + 180));
    expect(outcomes().at(-1)).toMatchObject({ outcome: 'settled' });
  });

  test('retries a final result that was not stored, whatever the number of deliveries', async () => {
    const payment = pay(1);
    chain.pay(payment);
    refusal = 'unavailable';
    expectRetried(await settleOne(payment, 50));
  });

  test.each([
    ['five minutes before', -301, -300],
    ['five minutes after', 301, 300],
  ])('keeps retrying a message near its deadline, %s', async (_, far, near) => {
    conduct['facilitator.test'] = () => said({ errorReason: 'insufficient_funds' });
    const payment = pay(1, { validBefore: BigInt(NOW) });
    expectAcked(await settleOne(payment, 20, NOW + far));
    expectRetried(await settleOne(payment, 20, NOW + near));
  });
});

describe('presenting', () => {
  test('presents the earliest deadline first, four at a time, fifty with three requests to the node', async () => {
    let running = 0;
    let most = 0;
    conduct['facilitator.test'] = async (payment) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      return await honest(payment);
    };
    const all = Array.from({ length: 50 }, (_, at) =>
      pay(at + 1, { validBefore: BigInt(NOW + 1_000 - at) }),
    );
    const messages = all.map((one) => deliver(messageFor(one)));
    await consume(messages);
    for (const message of messages) expectAcked(message);
    expect(most).toBe(4);
    expect(presented.map(({ nonce }) => nonce)).toEqual(
      all.toReversed().map((one) => one.authorization.nonce),
    );
    expect(chain.batches).toHaveLength(3);
  });

  test('starts each delivery at another backend, because the one that rejected may be wrong', async () => {
    deps = { ...deps, backends: backendsAt([FACILITATOR, 'https://second.test'], { clock }) };
    conduct['facilitator.test'] = () => said({ errorReason: 'insufficient_funds' });
    const payment = pay(1);
    expectRetried(await settleOne(payment));
    expect(presented.map(({ host }) => host)).toEqual(['facilitator.test']);
    expectAcked(await settleOne(payment, 2));
    expect(presented.map(({ host }) => host)).toEqual(['facilitator.test', 'second.test']);
  });

  test('pauses a failing backend, and uses the next one in the same round', async () => {
    deps = { ...deps, backends: backendsAt([FACILITATOR, 'https://second.test'], { clock }) };
    conduct['facilitator.test'] = () => new Response('down', { status: 503 });
    const messages = Array.from({ length: 30 }, (_, at) => deliver(messageFor(pay(at + 1))));
    await consume(messages);
    const first = presented.filter(({ host }) => host === 'facilitator.test').length;
    expect(first).toBeGreaterThanOrEqual(3);
    expect(first).toBeLessThanOrEqual(6);
    for (const message of messages) expectAcked(message);
    expect(presented).toHaveLength(30 + first);
  });

  test('payments wait without any backend', async () => {
    deps = { ...deps, backends: backendsAt([], { clock }) };
    expectRetried(await settleOne(pay(1)));
    expect(told).toEqual([]);
  });
});
