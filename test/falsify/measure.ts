import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { type Every, periodOf } from '../../src/policy/window.ts';
import type { Booked, Books, Moment } from './books.ts';
import { livesOf } from './lives.ts';
import { boundBy, type Branch, type Fleet, type Limit, type Member } from './fleet.ts';
import type { Row } from './rows.ts';

/** What all calls together have used of every limit, in every period, as the books have it. */
export type Usage = {
  /** Used of a limit's period that runs at `at`, holds included. */
  readonly used: (limit: Limit, at: Seconds) => bigint;
  /** The same of an account's credit. */
  readonly spent: (payer: Hex) => bigint;
};

/** At a moment of the books. `rung`: when the alarm of every account rang last, and ended what nobody else had. */
export const usageOf = (
  fleet: Fleet,
  books: Books,
  rows: readonly Row[],
  upTo: Moment,
  rung: Moment,
): Usage => {
  const tallies = new Map<string, bigint>();
  for (const { call, row, began, ended, expired, held, rest } of livesOf(books, rows)) {
    if (call.went !== undefined && began > upTo.order) continue;
    const isOver = ended <= upTo.order || expired <= rung.order;
    for (const { key } of countersOf(fleet, call, row)) {
      tallies.set(key, (tallies.get(key) ?? 0n) + (isOver ? rest : held));
    }
  }
  return {
    used: (limit, at) => tallies.get(keyOf(limit, at)) ?? 0n,
    spent: (payer) => tallies.get(payer) ?? 0n,
  };
};

/** The most units by which any limit was passed at any moment, and which. Counted is what surely stood then. */
export const overspendOf = (
  fleet: Fleet,
  books: Books,
  rows: readonly Row[],
): { readonly units: bigint; readonly limit: string } => {
  const changes = livesOf(books, rows)
    .flatMap((life) => [
      { life, order: life.began, by: life.held },
      {
        life,
        order: Math.max(life.began, Math.min(life.ended, life.expired)),
        by: life.rest - life.held,
      },
    ])
    .toSorted((one, other) => one.order - other.order);
  const tallies = new Map<string, bigint>();
  let worst = { units: 0n, limit: 'none' };
  for (const { life, by } of changes) {
    for (const { key, name, most } of countersOf(fleet, life.call, life.row)) {
      const tally = (tallies.get(key) ?? 0n) + by;
      tallies.set(key, tally);
      if (tally - most <= worst.units) continue;
      worst = { units: tally - most, limit: `${name}: ${tally} of ${most}` };
    }
  }
  return worst;
};

type Counter = { readonly key: string; readonly name: string; readonly most: bigint };

/** Whatever a call counts in: limits, in the period in which it was accepted, and the credit that pays for it. */
const countersOf = (
  { members, limits }: Fleet,
  { member, branch }: Booked,
  { acceptedAt, lender }: Row,
): readonly Counter[] => [
  ...boundBy(limits, member, branch).map((limit) => ({
    key: keyOf(limit, acceptedAt),
    name: `${limit.name}, ${limit.every}`,
    most: limit.most,
  })),
  ...members
    .filter(({ payer }) => payer === lender)
    .map(({ payer, name, credit }) => ({ key: payer, name: `${name}, credit`, most: credit })),
];

const keyOf = ({ name, of, every, most }: Limit, at: Seconds): string =>
  [name, of, every satisfies Every, most, periodOf(every, at).start].join(' ');

/** Of every branch, the share that is used of the limit that is used most: nobody is denied by a limit that has something left. */
export const usableOf = (
  fleet: Fleet,
  usage: Usage,
  at: Seconds,
): { readonly share: number; readonly of: string } => {
  const shares = fleet.members.flatMap((member) =>
    member.branches.map((branch) => ({
      share: tightest(fleet, member, branch, usage, at).share,
      of: member.name,
    })),
  );
  return shares.reduce((least, each) => (each.share < least.share ? each : least));
};

/** The limit that binds a branch first: its share in use, and what it has left. */
export const tightest = (
  { members, limits }: Fleet,
  member: Member,
  branch: Branch,
  usage: Usage,
  at: Seconds,
): { readonly share: number; readonly left: bigint } => {
  const bounds = boundBy(limits, member, branch).map((limit) => ({
    most: limit.most,
    used: usage.used(limit, at),
  }));
  if (member.pays !== 'payment') {
    const above = branch.map(({ delegation }) => delegation.issuer);
    const lenders = members.filter(({ payer }) => payer === member.payer || above.includes(payer));
    bounds.push({
      most: lenders.reduce((sum, { credit }) => sum + credit, 0n),
      used: lenders.reduce((sum, { payer }) => sum + usage.spent(payer), 0n),
    });
  }
  return bounds.reduce(
    (tight, { most, used }) => {
      const left = most - used;
      return left < tight.left
        ? { left, share: most === 0n ? 1 : Number(used) / Number(most) }
        : tight;
    },
    { share: 0, left: 1n << 60n },
  );
};
