import type { Seconds } from '../../src/core/clock.ts';
import type { Desk } from './desk.ts';
import { coverOf } from './standing.ts';

/** Fewer payments than this, and somebody should send ether. */
const LOW = 1_000;
/** How often the same is said again. */
const AGAIN: Seconds = 6 * 3_600;

/** Raises the alert `gas` while the balance covers few payments. */
export const warn = async ({ setup, memory, store, audience, now }: Desk): Promise<void> => {
  if (memory.facts === undefined) return;
  const covers = coverOf(memory.facts.facts, memory.counters);
  if (covers >= LOW || now() - memory.counters.warnedAt < AGAIN) return;
  const { balance } = memory.facts.facts;
  const detail = {
    network: setup.network,
    address: setup.address,
    balance: balance.toString(),
    covers,
  };
  if (!(await audience.warn(detail))) return;
  const counters = { ...memory.counters, warnedAt: now() };
  memory.counters = counters;
  // One that has never sent anything has no tables yet (law 12).
  if (counters.transactions > 0) store.write({ counters });
};
