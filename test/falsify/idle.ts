import { openJournal } from './journal.ts';
import { openClock } from './clock.ts';
import { injectMessageFaults } from './message-faults.ts';
import { type Member, buildFleet } from './fleet.ts';
import { openGateway } from './gateway.ts';
import type { MemberPlan, Plan } from './plan.ts';
import { openRandom } from './random.ts';
import { runAlarms } from './wind-down.ts';

const AMPLE = 1_000_000n;
const BUDGET = { least: 1n, most: 100n, tight: AMPLE, part: AMPLE, backstop: AMPLE, ample: AMPLE };
const LIMITS = { windows: [{ every: 'day', limit: AMPLE }], lifetime: AMPLE } as const;
/** A lease lasts 60 seconds. Five seconds later, the alarm returns unused shares. */
const IDLE = 66;

const planOf = (pays: MemberPlan['pays']): Plan => ({
  kind: 'day',
  size: 'large',
  budget: BUDGET,
  members: [
    {
      name: 'owner',
      parent: 0,
      level: 0,
      pays: 'credit',
      credit: AMPLE,
      operator: LIMITS,
      owner: undefined,
      grants: [],
    },
    {
      name: 'agent',
      parent: 0,
      level: 1,
      pays,
      credit: pays === 'credit' ? AMPLE : 0n,
      operator: { windows: [] },
      owner: undefined,
      grants: [{ by: 0 }],
    },
  ],
});

/** Counts the lease requests of an agent's first call after 20 calls and an idle minute. */
export const leasesAfterPause = async (pays: MemberPlan['pays']): Promise<number> => {
  const random = openRandom(`idle/${pays}`);
  const clock = openClock();
  const faults = injectMessageFaults(random);
  const journal = openJournal();
  const gateway = openGateway(journal, random.fork('gateway'));
  try {
    const fleet = await buildFleet(planOf(pays), random);
    const member = fleet.members[1] as Member;
    const [branch = []] = member.branches;
    const call = async (): Promise<void> => {
      const { result } = await gateway({ member, branch, price: 10n, ending: 'success' });
      if (result !== 'paid') throw new Error(`an agent with all it needs was ${result}`);
    };
    for (let made = 0; made < 20; made += 1) await call();
    clock.shift(IDLE);
    await runAlarms(fleet);
    const before = faults.leases();
    await call();
    return faults.leases() - before;
  } finally {
    faults.restore();
    clock.restore();
  }
};
