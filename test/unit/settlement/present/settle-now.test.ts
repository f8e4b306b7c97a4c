import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BOUND_VALID_AFTER } from '../../../../src/protocol/intent/binding.ts';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { settleNow } from '../../../../src/settlement/present/settle-now.ts';
import {
  answerHosts,
  backendsAt,
  canceledLog,
  FACILITATOR,
  facilitatorAt,
  NOW,
  OTHER,
  paymentNumber,
  RPC,
  scriptChain,
  type ScriptedChain,
  standingClock,
  TOKEN,
  transferLog,
  usedLog,
} from '../scripted.ts';

let chain: ScriptedChain;
let presented: string[];
let conduct: Record<string, () => Response>;
const payment = paymentNumber(1);
const presentable = {
  account: 'eip155:84532:0x0000000000000000000000000000000000000001',
  call: payment.authorization.nonce,
  payment,
  sinceBlock: 100,
} as const;

beforeEach(() => {
  chain = scriptChain();
  presented = [];
  conduct = {};
  const at =
    (host: string) =>
    (_: unknown, path: string): Response => {
      // A facilitator whose list cannot be read counts as supporting the network.
      if (path === '/supported') return new Response('', { status: 404 });
      presented.push(host);
      const act = conduct[host];
      if (act === undefined) return answerWith({ success: true, transaction: chain.pay(payment) });
      return act();
    };
  answerHosts({
    'node.test': (body) => chain.respond(body),
    'facilitator.test': at('facilitator.test'),
    'second.test': at('second.test'),
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const answerWith = (changes: object): Response =>
  Response.json({ success: false, transaction: '', ...changes });
const settle = async (one: Payment = payment, confirmations = 1, now = NOW) =>
  await settleNow(
    {
      chain: { urls: [RPC], confirmations },
      backends: backendsAt([FACILITATOR, 'https://second.test']),
      pauses: [1, 1, 1, 1, 1],
    },
    { ...presentable, payment: one },
    now,
  );

test('settles through the first backend', async () => {
  expect(await settle()).toMatchObject({ outcome: 'settled', block: 101 });
  expect(presented).toEqual(['facilitator.test']);
});

test('presents nothing that is already settled', async () => {
  const transaction = chain.pay(payment);
  expect(await settle()).toEqual({ outcome: 'settled', transaction, block: 101 });
  expect(presented).toEqual([]);
});

test('settles through the second backend if the first rejects', async () => {
  conduct['facilitator.test'] = () => answerWith({ errorReason: 'unsupported_scheme' });
  expect(await settle()).toMatchObject({ outcome: 'settled' });
  expect(presented).toEqual(['facilitator.test', 'second.test']);
});

test('presents to no second backend after one that failed after broadcasting', async () => {
  conduct['facilitator.test'] = () => {
    chain.pay(payment);
    return new Response('oops', { status: 500 });
  };
  expect(await settle()).toMatchObject({ outcome: 'settled' });
  expect(presented).toEqual(['facilitator.test']);
});

test('presents to no second backend after one that claims failure after broadcasting', async () => {
  conduct['facilitator.test'] = () => {
    chain.pay(payment);
    return answerWith({ errorReason: 'invalid_exact_evm_transaction_failed' });
  };
  expect(await settle()).toMatchObject({ outcome: 'settled' });
  expect(presented).toEqual(['facilitator.test']);
});

test('is unknown after one observation, without waiting, if every backend is paused', async () => {
  conduct['facilitator.test'] = conduct['second.test'] = () => new Response('', { status: 502 });
  const backends = backendsAt([FACILITATOR, 'https://second.test']);
  const ask = async () =>
    settleNow(
      { chain: { urls: [RPC], confirmations: 1 }, backends, pauses: [1, 1, 1] },
      presentable,
      NOW,
    );
  for (let at = 0; at < 10; at += 1) await ask();
  expect(backends.isDown(TOKEN.network)).toBe(true);
  const [presentations, batches] = [presented.length, chain.batches.length];
  expect(await ask()).toEqual({ outcome: 'unknown', why: 'every backend is paused' });
  expect([presented.length, chain.batches.length]).toEqual([presentations, batches + 1]);
});

test('waits for a place at a busy backend if there is no other, and goes to the other if there is one', async () => {
  const busy = facilitatorAt(FACILITATOR, { concurrency: 1 });
  const clock = standingClock();
  const ask = async (backends: ReturnType<typeof backendsAt>) => {
    // Another request holds the one place for ten seconds.
    const held = backends.for(TOKEN.network)[0];
    let leave = (_: Response): void => undefined;
    vi.restoreAllMocks();
    answerHosts({
      'node.test': (body) => chain.respond(body),
      'facilitator.test': async (_, path) => {
        if (path === '/supported') return new Response('', { status: 404 });
        presented.push('facilitator.test');
        if (presented.length > 1)
          return answerWith({ success: true, transaction: chain.pay(payment) });
        return new Promise<Response>((resolve) => {
          leave = resolve;
        });
      },
      'second.test': (_, path) => {
        if (path === '/supported') return new Response('', { status: 404 });
        presented.push('second.test');
        return answerWith({ success: true, transaction: chain.pay(payment) });
      },
    });
    const from = clock.now();
    const patience = {
      waitMs: 0,
      startBy: from + 1_000,
      endBy: from + 30_000,
      source: 'queue',
    } as const;
    const first = held?.present([{ ...presentable, payment: paymentNumber(9) }], patience);
    const waiting = {
      now: clock.now,
      sleep: async (milliseconds: number) => {
        await clock.sleep(milliseconds);
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (clock.now() >= from + 10_000) leave(answerWith({ errorReason: 'settlement_pending' }));
      },
    };
    sleeping = waiting.sleep;
    const settled = await settleNow(
      { chain: { urls: [RPC], confirmations: 1 }, backends, pauses: [1], clock: waiting },
      presentable,
      NOW,
    );
    leave(answerWith({ errorReason: 'settlement_pending' }));
    await first;
    return settled;
  };
  let sleeping = async (milliseconds: number): Promise<void> => clock.sleep(milliseconds);
  const shared = { now: clock.now, sleep: async (milliseconds: number) => sleeping(milliseconds) };
  expect(await ask(backendsAt([busy], { clock: shared }))).toMatchObject({ outcome: 'settled' });
  expect(presented).toEqual(['facilitator.test', 'facilitator.test']);
  chain = scriptChain();
  presented = [];
  expect(await ask(backendsAt([busy, 'https://second.test'], { clock: shared }))).toMatchObject({
    outcome: 'settled',
  });
  expect(presented).toEqual(['facilitator.test', 'second.test']);
});

test.for([
  [9, 0],
  [10, 1],
] as const)(
  'a claimed success that the chain does not show %i blocks later is %i faults',
  async ([blocks, failed]) => {
    conduct['facilitator.test'] = () => {
      setTimeout(() => chain.mineMany(blocks), 3);
      return answerWith({ success: true, transaction: `0x${'aa'.repeat(32)}` });
    };
    const backends = backendsAt([FACILITATOR]);
    const config = {
      chain: { urls: [RPC], confirmations: 1 },
      backends,
      pauses: [1, 1, 1, 9, 9],
    } as const;
    expect(await settleNow(config, presentable, NOW)).toMatchObject({ outcome: 'unknown' });
    expect(backends.health()).toMatchObject([
      { failed, ...(failed > 0 ? { lastError: 'false_success' } : {}) },
    ]);
  },
);

test('presents to the second backend after one that failed before broadcasting', async () => {
  conduct['facilitator.test'] = () => new Response('oops', { status: 500 });
  expect(await settle()).toMatchObject({ outcome: 'settled' });
  expect(presented).toEqual(['facilitator.test', 'second.test']);
});

test('waits for the block of a pending settlement', async () => {
  conduct['facilitator.test'] = () => {
    setTimeout(() => chain.pay(payment), 3);
    return answerWith({ errorReason: 'settlement_pending', transaction: `0x${'aa'.repeat(32)}` });
  };
  expect(await settle()).toMatchObject({ outcome: 'settled' });
  expect(presented).toEqual(['facilitator.test']);
});

test('waits for the confirmations', async () => {
  conduct['facilitator.test'] = () => {
    const transaction = chain.pay(payment);
    setTimeout(() => {
      chain.mine();
      chain.mine();
    }, 3);
    return answerWith({ success: true, transaction });
  };
  expect(await settle(payment, 3)).toMatchObject({ outcome: 'settled', block: 101 });
});

test('counts a backend that calls a bound payment not valid yet as faulty, and settles through the next one', async () => {
  conduct['facilitator.test'] = () =>
    answerWith({ errorReason: 'invalid_exact_evm_payload_authorization_valid_after' });
  const bound = paymentNumber(1, { validAfter: BOUND_VALID_AFTER });
  conduct['second.test'] = () => answerWith({ success: true, transaction: chain.pay(bound) });
  expect(await settle(bound)).toMatchObject({ outcome: 'settled' });
  expect(presented).toEqual(['facilitator.test', 'second.test']);
});

test('is unknown, and no rejection of the payer, if every backend rejects a bound payment', async () => {
  conduct['facilitator.test'] = conduct['second.test'] = () =>
    answerWith({ errorReason: 'invalid_exact_evm_payload_authorization_valid_after' });
  expect(await settle(paymentNumber(1, { validAfter: BOUND_VALID_AFTER }))).toMatchObject({
    outcome: 'unknown',
  });
});

test("waits for the confirmations of another sender's transaction, too", async () => {
  chain.pay(payment);
  setTimeout(() => chain.mine(), 3);
  expect(await settle(payment, 2)).toMatchObject({ outcome: 'settled', block: 101 });
  expect(presented).toEqual([]);
});

describe('unknown, never failed, while the authorization is unused and valid', () => {
  test('if success is claimed without a transfer', async () => {
    conduct['facilitator.test'] = () =>
      answerWith({ success: true, transaction: `0x${'aa'.repeat(32)}` });
    expect(await settle()).toEqual({
      outcome: 'unknown',
      why: 'the settlement is not on the chain yet',
    });
    expect(presented).toEqual(['facilitator.test']);
  });

  test('if every backend rejects', async () => {
    conduct['facilitator.test'] = () => answerWith({ errorReason: 'a' });
    conduct['second.test'] = () => answerWith({ errorReason: 'insufficient_funds' });
    expect(await settle()).toEqual({ outcome: 'unknown', why: 'insufficient_funds' });
  });

  test('if every backend is down', async () => {
    conduct['facilitator.test'] = conduct['second.test'] = () => new Response('', { status: 502 });
    expect(await settle()).toMatchObject({ outcome: 'unknown' });
  });

  test('if the chain is down, without presenting', async () => {
    chain.state.down = true;
    expect(await settle()).toMatchObject({ outcome: 'unknown' });
    expect(presented).toEqual([]);
  });

  test('if the chain goes down after presenting', async () => {
    conduct['facilitator.test'] = () => {
      chain.state.down = true;
      return answerWith({ success: true, transaction: chain.pay(payment) });
    };
    expect(await settle()).toMatchObject({ outcome: 'unknown' });
    expect(presented).toEqual(['facilitator.test']);
  });

  test('past validBefore by the clock, while no block is past it', async () => {
    const late = paymentNumber(1, { validBefore: BigInt(NOW + 5) });
    expect(await settle(late, 1, NOW + 500)).toMatchObject({ outcome: 'unknown' });
    expect(presented).toEqual([]);
  });

  test('if it is not valid yet, without presenting', async () => {
    expect(await settle(paymentNumber(1, { validAfter: BigInt(NOW) }))).toEqual({
      outcome: 'unknown',
      why: 'the authorization is not valid now',
    });
    expect(presented).toEqual([]);
  });
});

describe('final without a settlement', () => {
  test('released: unused, and a final block is past validBefore', async () => {
    chain.mine(NOW + 6);
    const late = paymentNumber(1, { validBefore: BigInt(NOW + 5) });
    expect(await settle(late, 1, NOW + 7)).toEqual({ outcome: 'released' });
    expect(presented).toEqual([]);
  });

  test('failed: the payer spent the nonce on another receiver', async () => {
    const logs = [usedLog(payment), transferLog(payment, { to: OTHER })];
    const transaction = chain.emit(logs, [payment.authorization.nonce]);
    expect(await settle()).toEqual({
      outcome: 'failed',
      fault: 'payer',
      reason: 'spent_otherwise',
      transaction,
    });
  });

  test('failed: the payer cancelled', async () => {
    chain.emit([canceledLog(payment)], [payment.authorization.nonce]);
    expect(await settle()).toMatchObject({ outcome: 'failed', reason: 'cancelled' });
    expect(presented).toEqual([]);
  });
});
