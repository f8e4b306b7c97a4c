import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { type Every, periodOf } from '../../src/policy/window.ts';
import type { JournalCall, Journal, Moment } from './journal.ts';
import { holdsOf } from './holds.ts';
import { boundBy, type Branch, type Fleet, type Limit, type Member } from './fleet.ts';
import type { Row } from './rows.ts';

/** What all calls together have used of every limit in every period, from the journal. */
export type Usage = {
  /** Units used, with holds, in the period of a limit that contains `at`. */
  readonly used: (limit: Limit, at: Seconds) => bigint;
  /** Units of an account's credit used, with holds. */
  readonly spent: (payer: Hex) => bigint;
};

/** Usage at the moment `upTo`. `alarmsRan`: when the alarms last ended expired calls. */
export const usageOf = (
  fleet: Fleet,
  journal: Journal,
  rows: readonly Row[],
  upTo: Moment,
  alarmsRan: Moment,
): Usage => {
  const tallies = new Map<string, bigint>();
  for (const { call, row, began, ended, expired, held, rest } of holdsOf(journal, rows)) {
    if (call.admitted !== undefined && began > upTo.order) continue;
    const isOver = ended <= upTo.order || expired <= alarmsRan.order;
    for (const { key } of countersOf(fleet, call, row)) {
      tallies.set(key, (tallies.get(key) ?? 0n) + (isOver ? rest : held));
    }
  }
  return {
    used: (limit, at) => tallies.get(keyOf(limit, at)) ?? 0n,
    spent: (payer) => tallies.get(payer) ?? 0n,
  };
};

/** Finds the most units by which any limit was exceeded at any moment. Counts only holds that certainly existed then. */
export const overspendOf = (
  fleet: Fleet,
  journal: Journal,
  rows: readonly Row[],
): { readonly units: bigint; readonly limit: string } => {
  const changes = holdsOf(journal, rows)
    .flatMap((hold) => [
      { hold, order: hold.began, by: hold.held },
      {
        hold,
        order: Math.max(hold.began, Math.min(hold.ended, hold.expired)),
        by: hold.rest - hold.held,
      },
    ])
    .toSorted((one, other) => one.order - other.order);
  const tallies = new Map<string, bigint>();
  let worst = { units: 0n, limit: 'none' };
  for (const { hold, by } of changes) {
    for (const { key, name, most } of countersOf(fleet, hold.call, hold.row)) {
      const tally = (tallies.get(key) ?? 0n) + by;
      tallies.set(key, tally);
      if (tally - most <= worst.units) continue;
      worst = { units: tally - most, limit: `${name}: ${tally} of ${most}` };
    }
  }
  return worst;
};

type Counter = { readonly key: string; readonly name: string; readonly most: bigint };

/** Returns the limits that count a call, in the period of its acceptance, and the credit that pays for it. */
const countersOf = (
  { members, limits }: Fleet,
  { member, branch }: JournalCall,
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

/**
 * For every branch, takes the limit with the least remaining and the share of it that is used. Returns the lowest of these shares. A branch
 * that is denied while its tightest limit has units left lowers the result.
 */
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

/** Returns the limit of a branch with the least remaining: the share used, and the units that remain. */
export const tightest = (
  { members, limits }: Fleet,
  member: Member,
  branch: Branch,
  usage: Usage,
  at: Seconds,
): { readonly share: number; readonly remaining: bigint } => {
  const bounds = boundBy(limits, member, branch).map((limit) => ({
    most: limit.most,
    used: usage.used(limit, at),
  }));
  if (member.pays !== 'payment') {
    const ancestors = branch.map(({ delegation }) => delegation.issuer);
    const lenders = members.filter(
      ({ payer }) => payer === member.payer || ancestors.includes(payer),
    );
    bounds.push({
      most: lenders.reduce((sum, { credit }) => sum + credit, 0n),
      used: lenders.reduce((sum, { payer }) => sum + usage.spent(payer), 0n),
    });
  }
  return bounds.reduce(
    (tight, { most, used }) => {
      const remaining = most - used;
      return remaining < tight.remaining
        ? { remaining, share: most === 0n ? 1 : Number(used) / Number(most) }
        : tight;
    },
    { share: 0, remaining: 1n << 60n },
  );
};
