import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BOUND_VALID_AFTER } from '../../../../src/protocol/intent/binding.ts';
import { settleNow } from '../../../../src/settlement/present/settle-now.ts';
import {
  backendsAt,
  FACILITATOR,
  facilitatorAt,
  NOW,
  paymentNumber,
  RPC,
  standingClock,
  TOKEN,
} from '../scripted.ts';
import { answerHosts } from '../scripted-chain.ts';
import {
  chain,
  presented,
  conduct,
  payment,
  freshBackends,
  answerWith,
  settle,
  presentable,
  QUICK,
} from './settle-now-world.ts';

beforeEach(freshBackends);

afterEach(() => {
  vi.restoreAllMocks();
});

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
      {
        chain: { urls: [RPC], confirmations: 1 },
        backends,
        watches: new Map(),
        waitMs: 5,
        pace: QUICK,
      },
      presentable,
      NOW,
    );
  for (let at = 0; at < 10; at += 1) await ask();
  expect(backends.isDown(TOKEN.network)).toBe(true);
  const [presentations, batches] = [presented.length, chain.batches.length];
  expect(await ask()).toMatchObject({ outcome: 'unknown', why: 'every backend is paused' });
  expect([presented.length, chain.batches.length]).toEqual([presentations, batches + 1]);
});

test('waits for a place at a busy backend if there is no other, and goes to the other if there is one', async () => {
  const busy = facilitatorAt(FACILITATOR, { concurrency: 1 });
  const clock = standingClock();
  const ask = async (backends: ReturnType<typeof backendsAt>) => {
    // Another request occupies the only connection for ten seconds.
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
      {
        chain: { urls: [RPC], confirmations: 1 },
        backends,
        watches: new Map(),
        waitMs: 200,
        clock: waiting,
      },
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
  freshBackends();
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
      chain.mineMany(blocks);
      return answerWith({ success: true, transaction: `0x${'aa'.repeat(32)}` });
    };
    const backends = backendsAt([FACILITATOR]);
    const config = {
      chain: { urls: [RPC], confirmations: 1 },
      backends,
      watches: new Map(),
      waitMs: 100,
      pace: QUICK,
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
