import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Relayed } from '../../../../src/protocol/relayer-contract.ts';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { NOW } from '../scripted.ts';
import { scriptChain } from '../scripted-chain.ts';
import {
  type Conduct,
  HOSTS,
  TRANSACTION,
  consume,
  deliver,
  honest,
  openWith,
  pay,
  answerWith,
  withRelayer,
  world,
  useFailoverWorld,
} from './failover-world.ts';

useFailoverWorld();

describe('whatever the backends do', () => {
  /** Every kind of answer, before or after the broadcast, with the transaction mined at once or later. */
  const CONDUCTS: Record<string, (later: Set<Payment>) => Conduct> = {
    honest: () => honest,
    '500': () => () => new Response('oops', { status: 500 }),
    '500 after broadcast': () => (one) => (
      world.chain.pay(one),
      new Response('oops', { status: 500 })
    ),
    reset: () => () => Promise.reject(new TypeError('reset')),
    'reset after broadcast': () => (one) => (
      world.chain.pay(one),
      Promise.reject(new TypeError('reset'))
    ),
    garbage: () => () => new Response('<html>'),
    '429': () => () => new Response('', { status: 429, headers: { 'retry-after': '7' } }),
    pending: (later) => (one) => (
      later.add(one),
      answerWith({ errorReason: 'settlement_pending', transaction: TRANSACTION })
    ),
    'pending for ever': () => () =>
      answerWith({ errorReason: 'settlement_pending', transaction: TRANSACTION }),
    'false success': () => () => answerWith({ success: true, transaction: TRANSACTION }),
    'false failure': () => () => answerWith({ errorReason: 'insufficient_funds' }),
    'failure of its own': () => () => answerWith({ errorReason: 'unexpected_settle_error' }),
    'false failure after broadcast': () => (one) => (
      world.chain.pay(one),
      answerWith({ errorReason: 'invalid_exact_evm_transaction_failed' })
    ),
    'the node falls silent': () => () => {
      world.chain.state.down = true;
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
        world.chain = scriptChain();
        world.payments = new Map();
        world.reported = [];
        world.deps = {
          ...world.deps,
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
            // If a message was acknowledged while its payment is open, the account sends the payment again, as a first delivery.
            waiting.set(payment, batch[at]?.ack.mock.calls.length === 1 ? 1 : attempts + 1);
            const end = world.reported.find(
              ({ call, outcome }) => call === payment.authorization.nonce && outcome !== 'sent',
            );
            if (end !== undefined) waiting.delete(payment);
          }
          now += pause;
          world.chain.state.down = false;
          for (const payment of later) if (!world.chain.isUsed(payment)) world.chain.pay(payment);
          later.clear();
          world.chain.mine(now);
          world.chain.mine(now);
        };
        for (const { kinds, verdict: says, keeps, pause } of rounds) {
          for (const [at, host] of HOSTS.entries()) {
            world.conduct[host] = CONDUCTS[kinds[at] ?? 'honest']?.(later) ?? honest;
          }
          world.relay = (relays) => {
            // A relayer that loses a payment that it took behaves like a backend with a false claim.
            if (keeps) for (const one of relays) later.add(one.payment);
            return relays.map(({ call }) => ({ call, verdict: says }));
          };
          await round(pause);
        }
        world.conduct = {};
        world.relay = (relays) => {
          for (const one of relays) later.add(one.payment);
          return relays.map(({ call }) => ({ call, verdict: 'taken' }));
        };
        for (let left = 40; left > 0 && waiting.size > 0; left -= 1) await round(15);
        expect(waiting.size).toBe(0);
        const ends = world.reported.filter(({ outcome }) => outcome !== 'sent');
        expect(ends).toHaveLength(count);
        expect(ends.every(({ outcome }) => outcome === 'settled')).toBe(true);
        expect(world.presentedInVain).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
