import { openBooks } from './books.ts';
import { openClock } from './clock.ts';
import { injectFaults } from './faults.ts';
import { type Member, raise } from './fleet.ts';
import { openGateway } from './gateway.ts';
import type { MemberPlan, Plan } from './plan.ts';
import { openRandom } from './random.ts';
import { ring } from './settle.ts';

const AMPLE = 1_000_000n;
const BUDGET = { least: 1n, most: 100n, tight: AMPLE, part: AMPLE, backstop: AMPLE, ample: AMPLE };
const LIMITS = { windows: [{ every: 'day', limit: AMPLE }], lifetime: AMPLE } as const;
/** A lease is good for a minute; five seconds later the alarm gives back what is unused. */
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

/** How often an agent asks its owner for one call, after it was busy, and then idle for over a minute. */
export const leasesAfterPause = async (pays: MemberPlan['pays']): Promise<number> => {
  const random = openRandom(`idle/${pays}`);
  const clock = openClock();
  const faults = injectFaults(random);
  const books = openBooks();
  const gateway = openGateway(books, random.fork('gateway'));
  try {
    const fleet = await raise(planOf(pays), random);
    const member = fleet.members[1] as Member;
    const [branch = []] = member.branches;
    const call = async (): Promise<void> => {
      const { heard } = await gateway({ member, branch, price: 10n, ending: 'success' });
      if (heard !== 'paid') throw new Error(`an agent with all it needs was ${heard}`);
    };
    for (let made = 0; made < 20; made += 1) await call();
    clock.shift(IDLE);
    await ring(fleet);
    const before = faults.leases();
    await call();
    return faults.leases() - before;
  } finally {
    faults.restore();
    clock.restore();
  }
};
