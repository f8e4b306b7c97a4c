import type { Limits } from './limits.ts';
import type { GrantPlan, MemberPlan, Plan } from './plan.ts';
import type { Step } from './steps.ts';

/** A plan, its steps, and the number that selects what happens at the end (`rest.ts`). */
type Example = readonly [Plan, readonly Step[], number];

const START = Date.UTC(2027, 0, 31, 23, 59, 15) / 1000;
const AT_ONCE = Array.from({ length: 7 }, () => 'now' as const);

const grantFor = (life: number): GrantPlan => ({
  total: 1_000_000n,
  seconds: 0n,
  inWindow: 10n,
  perCall: 1_000_000n,
  life,
  byContract: false,
});
const GRANT = grantFor(1_000_000);

const perHour = (limit: bigint): Limits => ({ counters: { hour: limit } });
const FIVE = { operator: perHour(5n), owner: perHour(5n) } as const;

const ownerWith = (limits: Pick<MemberPlan, 'operator' | 'owner'>): MemberPlan => ({
  parent: undefined,
  grants: [],
  credit: 40n,
  ...limits,
});

const childOf = (parent: number, more: Partial<MemberPlan> = {}): MemberPlan => ({
  parent,
  grants: [GRANT],
  credit: 0n,
  ...FIVE,
  ...more,
});

const call = (
  of: number | 'same',
  price: bigint,
  more: {
    readonly grant?: number;
    readonly appetite?: bigint;
    readonly fates?: Step['fates'];
  } = {},
): Step => ({
  do: 'call',
  of,
  price,
  grant: undefined,
  keep: false,
  appetite: 0n,
  fates: AT_ONCE,
  ...more,
});

/** An owner, a manager, and two agents that call under the manager's grant. The manager then revokes the grant that it holds. */
const GIVEN_UP: Plan = {
  start: START,
  members: [
    ownerWith(FIVE),
    childOf(0, { operator: undefined, credit: 30n }),
    childOf(1),
    childOf(1),
  ],
};
const GIVES_UP: Step = { do: 'revoke', grant: 0, by: 'holder', fates: AT_ONCE };
const SUCCEEDS: Step = { do: 'finish', call: 0, how: 'success', fates: AT_ONCE };
const A_MINUTE: Step = { do: 'wait', seconds: 61, alarms: true, fates: AT_ONCE };

/** Sequences that random runs once found, and that every run must now repeat, by the behaviour that they check. */
export const EXAMPLES: Readonly<Record<string, Example>> = {
  // From seed -1189739807: the owner never recalled eight such units.
  'recalls shares that the parent counts as held after the child has closed its counter': [
    {
      start: START,
      members: [
        ownerWith({ operator: { counters: { lifetime: 23n } }, owner: perHour(47n) }),
        childOf(0),
        childOf(0, { grants: [grantFor(100)], operator: perHour(53n), owner: undefined }),
        childOf(1),
        childOf(2),
      ],
    },
    [
      call(2, 9n),
      call('same', 8n, {
        grant: 1,
        fates: ['now', 'lost', 'asleep', 'now', 'meanwhile', 'now', 'now'],
      }),
      call('same', 15n, {
        appetite: 5n,
        fates: ['late', 'now', 'now', 'twice', 'asleep', 'now', 'now'],
      }),
      call(0, 0n),
    ],
    12,
  ],
  // From seed 947760105: the dropped counter came back with nothing spent.
  'keeps a counter of a revoked grant dropped when a child repeats its report': [
    GIVEN_UP,
    [call(1, 2n), GIVES_UP, A_MINUTE, SUCCEEDS],
    8,
  ],
  'drops a counter of a revoked grant that its children have spent all of': [
    GIVEN_UP,
    [
      call(1, 2n),
      SUCCEEDS,
      GIVES_UP,
      A_MINUTE,
      { do: 'policy', of: 2, slot: 'operator', limits: perHour(3n), fates: AT_ONCE },
    ],
    6,
  ],
};
