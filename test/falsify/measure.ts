import type { Hex } from '../../src/core/account-id.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { type Every, periodOf } from '../../src/policy/window.ts';
import type { Booked, Books, Moment } from './books.ts';
import { boundBy, type Branch, type Fleet, type Limit, type Member } from './fleet.ts';
import type { Row } from './rows.ts';

/** What all calls together have used of every limit, in every period, as the books have it. */
export type Usage = {
  /** The most that any limit was passed by at any moment, and which. */
  readonly overspend: bigint;
  readonly passed: string;
  /** Used of a limit's period that runs at `at`, holds included, as of the moment that was asked for. */
  readonly used: (limit: Limit, at: Seconds) => bigint;
  /** The same of an account's credit. */
  readonly spent: (payer: Hex) => bigint;
};

/** A hold begins before it is heard of and ends after its end was sent: counted here is what surely stood at a moment. */
type Change = {
  readonly order: number;
  readonly call: Booked;
  readonly row: Row;
  readonly by: bigint;
};

export const usageOf = (
  { members, limits }: Fleet,
  books: Books,
  rows: readonly Row[],
  upTo: Moment,
): Usage => {
  const stored = new Set(rows.map(({ id }) => id));
  const lost = [...books.calls.values()].find(
    ({ id, went }) => went !== undefined && !stored.has(id),
  );
  if (lost !== undefined)
    throw new Error(`${lost.id} was let run, and its account knows nothing of it`);
  const changes = rows
    .flatMap((row) => changesOf(row, books))
    .toSorted((one, other) => one.order - other.order);
  const tallies = new Map<string, bigint>();
  let seen: ReadonlyMap<string, bigint> | undefined;
  let overspend = 0n;
  let passed = '';
  const add = (key: string, name: string, most: bigint, by: bigint): void => {
    const tally = (tallies.get(key) ?? 0n) + by;
    tallies.set(key, tally);
    if (tally - most <= overspend) return;
    overspend = tally - most;
    passed = `${name}: ${tally} of ${most}`;
  };
  for (const { order, call, row, by } of changes) {
    if (order > upTo.order) seen ??= new Map(tallies);
    for (const limit of boundBy(limits, call.member, call.branch)) {
      add(keyOf(limit, row.acceptedAt), `${limit.name}, ${limit.every}`, limit.most, by);
    }
    const lender = members.find(({ payer }) => payer === row.lender);
    if (lender !== undefined) add(lender.payer, `${lender.name}, credit`, lender.credit, by);
  }
  const then = seen ?? tallies;
  return {
    overspend,
    passed,
    used: (limit, at) => then.get(keyOf(limit, at)) ?? 0n,
    spent: (payer) => then.get(payer) ?? 0n,
  };
};

const keyOf = ({ name, of, every, most }: Limit, at: Seconds): string =>
  [name, of, every satisfies Every, most, periodOf(every, at).start].join(' ');

const changesOf = (row: Row, { calls, moments }: Books): Change[] => {
  const call = calls.get(row.id);
  // What made the tree: top-ups, and the payment that makes a payer trusted.
  if (call === undefined) return [];
  if (call.charged !== undefined && call.charged !== row.charged) {
    throw new Error(`${row.id} was charged ${call.charged}, and its row says ${row.charged}`);
  }
  const rest = row.state === 'held' || call.kept ? row.price : row.charged;
  const began = call.went?.order ?? moments.length;
  // The alarm may have ended it before anybody else did, as soon as the clock allowed it: before what that moment tells of.
  const expired = moments.find(({ at, order }) => order > began && at >= row.holdUntil);
  const ended = Math.min(
    call.ending?.order ?? Infinity,
    row.state === 'abandoned' && expired !== undefined ? expired.order - 0.5 : Infinity,
  );
  return [
    { order: began, call, row, by: row.price },
    { order: Math.max(began, ended), call, row, by: rest - row.price },
  ];
};

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
