import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { AgentAccount } from '../../durable-objects/account/agent-account.ts';
import type { AccountCommand } from '../../src/protocol/account/command.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import { openPair } from './pair.ts';
import { runsOf } from './runs.ts';
import { plans, type Step, steps } from './steps.ts';

const INTERLEAVINGS = runsOf(1_000);
/**
 * Number of concurrent pairs. The event loop is busy until each pair has run some of its steps. An eviction waits 30 seconds at most, and a
 * timer of the object's outbox must fire within that time.
 */
const AT_ONCE = 10;
const SEED = 3;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

/** Drops one in five messages between accounts, and one in five answers. */
const loseSome = (): void => {
  const { apply } = AgentAccount.prototype;
  let count = 0;
  vi.spyOn(AgentAccount.prototype, 'apply').mockImplementation(async function (
    this: AgentAccount,
    order: AccountCommand,
  ) {
    count += order.kind === 'credit' ? 1 : 0;
    if (order.kind === 'refund' || order.kind === 'refundCall') return apply.call(this, order);
    if (count % 5 === 0) return { verdict: 'unavailable' };
    const applied = await apply.call(this, order);
    return count % 5 === 1 ? { verdict: 'unavailable' } : applied;
  });
};

/** Groups up to three steps, which then run concurrently. The order of the steps determines the groups. */
const raced = (list: readonly Step[]): readonly (readonly Step[])[] => {
  const groups: Step[][] = [];
  for (const step of list) {
    const last = groups.at(-1);
    if (last === undefined || last.length === 3 || step.do === 'run') groups.push([step]);
    else last.push(step);
  }
  return groups;
};

describe('two real accounts under any interleaving', () => {
  test(
    `${INTERLEAVINGS} interleavings with races, evictions and lost messages: the ledgers add up`,
    { timeout: 300_000 },
    async () => {
      loseSome();
      const samples = fc.sample(fc.tuple(plans, steps), { numRuns: INTERLEAVINGS, seed: SEED });
      for (let from = 0; from < samples.length; from += AT_ONCE) {
        const start = nowSeconds();
        at(start);
        const pairs = samples
          .slice(from, from + AT_ONCE)
          .map(([calls, list], index) => ({ pair: openPair(calls), list, number: from + index }));
        for (const [phase, pause] of [71, 301, 4_000].entries()) {
          await Promise.all(
            pairs.map(async ({ pair, list }) => {
              const part = list.slice(phase * 4, phase === 2 ? undefined : phase * 4 + 4);
              for (const group of raced(part)) await Promise.all(group.map(pair.take));
            }),
          );
          at(nowSeconds() + pause);
          await Promise.all(pairs.map(async ({ pair }) => pair.ring()));
        }
        await Promise.all(pairs.map(async ({ pair }) => pair.rest()));
        for (let round = 0; round < 4; round += 1) {
          at(nowSeconds() + 400);
          await Promise.all(pairs.map(async ({ pair }) => pair.arrive()));
        }
        await Promise.all(
          pairs.map(async ({ pair, number }) => {
            await expect(pair.check(), `interleaving ${number} of seed ${SEED}`).resolves.toBe(
              undefined,
            );
          }),
        );
        at(start);
      }
    },
  );
});
