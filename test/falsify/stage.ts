import { vi } from 'vitest';
import { type Journal, openJournal } from './journal.ts';
import { type Clock, openClock } from './clock.ts';
import { type MessageFaults, injectMessageFaults } from './message-faults.ts';
import type { Findings } from './figures.ts';
import { type Fleet, buildFleet } from './fleet.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Kind, SIZES } from './kind.ts';
import { type Plan, planOf } from './plan.ts';
import { openRandom, type Random } from './random.ts';

export type Print = (line: string) => void;

/** A tree of real accounts whose clock, messages and calls the seed controls. */
export type Stage = {
  readonly title: string;
  readonly plan: Plan;
  readonly fleet: Fleet;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly faults: MessageFaults;
  readonly gateway: Gateway;
  readonly random: Random;
};

/** Runs `act` on a new tree. The seed determines everything that is drawn. Each account will make `calls` calls. */
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
  // Accounts log every failed lease request, and here most of them fail.
  const silenced = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const clock = openClock();
  const faults = injectMessageFaults(random.fork('faults'));
  const journal = openJournal();
  try {
    const fleet = await buildFleet(plan, random.fork('fleet'));
    const found = await act({
      title: `${kind}, ${plan.size}`,
      plan,
      fleet,
      journal,
      clock,
      faults,
      gateway: openGateway(journal, random.fork('gateway')),
      random,
    });
    return {
      ...found,
      size: plan.size,
      calls: journal.calls.size,
      admitted: [...journal.calls.values()].filter(({ admitted }) => admitted !== undefined).length,
      leases: faults.leases(),
    };
  } finally {
    faults.restore();
    clock.restore();
    silenced.mockRestore();
  }
};
