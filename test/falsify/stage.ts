import { vi } from 'vitest';
import { type Books, openBooks } from './books.ts';
import { type Clock, openClock } from './clock.ts';
import { type Faults, injectFaults } from './faults.ts';
import type { Findings } from './figures.ts';
import { type Fleet, raise } from './fleet.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Kind, SIZES } from './kind.ts';
import { type Plan, planOf } from './plan.ts';
import { openRandom, type Random } from './random.ts';

export type Say = (line: string) => void;

/** A tree of real accounts, with everything around it under the seed's hand. */
export type Stage = {
  readonly title: string;
  readonly plan: Plan;
  readonly fleet: Fleet;
  readonly books: Books;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly gateway: Gateway;
  readonly random: Random;
};

/** One act on a tree of its own. `seed` says everything that is drawn; `calls` how many each account will make. */
export const onStage = async (
  seed: string,
  kind: Kind,
  calls: number,
  act: (
    stage: Stage,
  ) => Promise<Pick<Findings, 'overspend' | 'usable' | 'usableSkewed' | 'contradictions'>>,
): Promise<Findings> => {
  const random = openRandom(`${seed}/${kind}`);
  const plan = planOf(kind, random.pick(SIZES), calls, random.fork('plan'));
  // An account that loses its parent says so each time; it is meant to.
  const silenced = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const clock = openClock();
  const faults = injectFaults(random.fork('faults'));
  const books = openBooks();
  try {
    const fleet = await raise(plan, random.fork('fleet'));
    const found = await act({
      title: `${kind}, ${plan.size}`,
      plan,
      fleet,
      books,
      clock,
      faults,
      gateway: openGateway(books, random.fork('gateway')),
      random,
    });
    return {
      ...found,
      size: plan.size,
      calls: books.calls.size,
      admitted: [...books.calls.values()].filter(({ went }) => went !== undefined).length,
      leases: faults.leases(),
    };
  } finally {
    faults.restore();
    clock.restore();
    silenced.mockRestore();
  }
};
