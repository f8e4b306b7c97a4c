import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import { everyOf, periodOf, windowName } from '../../policy/window.ts';
import type { AccountId, AssetId } from '../../protocol/account-id.ts';
import {
  type Branch,
  type CallPlace,
  countCall,
  countsAs,
  type InForce,
  limitsOver,
  newBranch,
  noteEntry,
  SLACK,
} from './branches.ts';
import type { Finding, HashedEntry } from './check.ts';
import { limitsOf, namedPolicies, networkOf } from './replay/binding.ts';
import type { ReplayedCall } from './replay/call.ts';
import { amountOf, objectOf, textOf } from './replay/members.ts';
import type { Replayed } from './replay/replay.ts';
import type { Texts } from './replay/texts.ts';
import { createTally } from './tally.ts';

/** The check `totals`: of an account and of all below it, the sums of what limits counted (docs/audit-format.md). */
export type Totals = {
  readonly see: (seen: HashedEntry, replayed: Replayed) => void;
  /** All entries of an account were seen. */
  readonly close: (account: AccountId, calls: Iterable<ReplayedCall>) => void;
  readonly end: () => Finding;
};

/** Why a sum proves nothing. */
const CHILD_MISSING = 'the chain of an account below is not in the files: export the whole fleet';
const EDGE = 'calls near the end of a period, or near a change of policy, may count in either';

type Sum = { sure: bigint; all: bigint; place: CallPlace };

export const createTotals = (texts: Texts): Totals => {
  const tally = createTally('totals');
  const branches = new Map<AccountId, Branch>();
  const read = new Set<AccountId>();
  const standards = new Set<Hex>();
  const places = new Map<Hex, CallPlace>();
  const leases: HashedEntry[] = [];

  const branchOf = (account: AccountId): Branch => {
    const known = branches.get(account) ?? newBranch(account);
    branches.set(account, known);
    return known;
  };

  /** Whether the chains of all accounts below are in the files. */
  const isWhole = (account: AccountId, seen = new Set<AccountId>()): boolean => {
    if (seen.has(account)) return true;
    seen.add(account);
    return (
      read.has(account) && [...branchOf(account).children].every((child) => isWhole(child, seen))
    );
  };

  /** Adds up one counter, period by period. `prefix`: of the counters of a grant that the account holds. */
  const sumsOf = (
    branch: Branch,
    asset: AssetId,
    name: string,
    limits: readonly InForce[],
    parent: Hex | undefined,
  ): ReadonlyMap<Seconds, Sum> => {
    const full = parent === undefined ? name : `${parent}/${name}`;
    const sums = new Map<Seconds, Sum>();
    const add = (start: Seconds, amount: bigint, isSure: boolean, place: CallPlace): void => {
      const { sure, all } = sums.get(start) ?? { sure: 0n, all: 0n };
      sums.set(start, { sure: isSure ? sure + amount : sure, all: all + amount, place });
    };
    for (const own of branch.own.values()) {
      if (own.asset === asset && own.name === full) add(own.start, own.amount, true, own.place);
    }
    for (const call of branch.below) {
      if (call.asset !== asset || (parent !== undefined && call.parent !== parent)) continue;
      const counts = countsAs(name, call.at, limits);
      const { start } = periodOf(everyOf(name), call.at);
      if (counts !== 'never') add(start, call.amount, counts === 'surely', call.place);
    }
    return sums;
  };

  const judge = (
    branch: Branch,
    asset: AssetId,
    name: string,
    limits: readonly InForce[],
    parent: Hex | undefined,
  ): void => {
    const whole = isWhole(branch.account);
    for (const [start, { sure, all, place }] of sumsOf(branch, asset, name, limits, parent)) {
      const { end } = periodOf(everyOf(name), start);
      const highest = limits
        .filter(({ from, to }) => from <= end + SLACK && start - SLACK < to)
        .reduce((most, { limit }) => (limit > most ? limit : most), -1n);
      if (highest < 0n) continue;
      const field = parent === undefined ? name : `${parent}/${name}`;
      if (sure > highest) tally.breakWith({ ...place, field, reason: 'over_limit' });
      else if (!whole) tally.skip(CHILD_MISSING);
      else if (all > highest) tally.bound(EDGE);
      else tally.prove();
    }
  };

  const judgeBranch = (branch: Branch): void => {
    const assets = new Set([
      ...[...branch.own.values()].map(({ asset }) => asset),
      ...branch.below.map(({ asset }) => asset),
    ]);
    // Several default policies: entries do not show which one an ancestor had when.
    const [standard] = standards.size === 1 ? standards : [];
    const parents = new Set<Hex>();
    for (const { parent } of branch.below) if (parent !== '') parents.add(parent);
    for (const { name } of branch.own.values()) {
      const [grant, counter] = name.split('/');
      if (counter !== undefined) parents.add(grant as Hex);
    }
    for (const asset of assets) {
      for (const [name, limits] of limitsOver(branch, asset, texts, standard)) {
        judge(branch, asset, name, limits, undefined);
      }
      for (const parent of parents) {
        const policy = texts.compiled(parent, networkOf(branch.account));
        if (policy === undefined) continue;
        for (const { every, limit } of limitsOf(policy, asset)) {
          const always = [{ from: 0, to: Number.MAX_SAFE_INTEGER, limit }];
          judge(branch, asset, windowName(every), always, parent);
        }
      }
    }
  };

  /** A borrower reports what it spent of a share: its own chain must show at least as much. */
  const judgeLease = (seen: HashedEntry): void => {
    // The check `signatures` has read its form (`checkClosedLease`).
    const { account, payment = {}, outcome } = seen.entry;
    const { below } = branchOf(account);
    const counters = outcome?.['counters'];
    for (const counter of Array.isArray(counters) ? counters : []) {
      const { name: stated, start: from, spent: used } = objectOf(counter) ?? {};
      const name = textOf(stated) ?? '';
      const start = typeof from === 'number' ? from : 0;
      const spent = amountOf(used) ?? 0n;
      // Lent credit that was spent is in `credit.lent`.
      if (name === 'credit') continue;
      const { end } = periodOf(everyOf(name), start);
      const calls = below.filter(
        ({ borrower, grant, asset, at }) =>
          borrower === payment['to'] &&
          grant === payment['grant'] &&
          asset === payment['asset'] &&
          at >= start - SLACK &&
          at < end + SLACK,
      );
      const sum = calls.reduce((all, { amount }) => all + amount, 0n);
      if (!read.has(payment['to'] as AccountId)) tally.skip(CHILD_MISSING);
      else if (spent > sum) tally.breakAt(seen, 'wrong_lease', 'outcome.counters');
      else tally.prove();
    }
  };

  return {
    see(seen, { entry, before, accepted }) {
      noteEntry(branchOf(entry.account), entry);
      if (entry.type === 'lease.closed') leases.push(seen);
      if (accepted === undefined || entry.call === undefined) return;
      const [base] = namedPolicies(before, entry);
      if (base?.kind === 'default') standards.add(base.hash);
      const { account, seq } = entry;
      places.set(entry.call, { ...seen.place, account, seq });
    },
    close(account, calls) {
      read.add(account);
      for (const call of calls) {
        const place = places.get(call.id);
        if (place !== undefined) countCall(branchOf, account, call, place, texts);
      }
      places.clear();
    },
    end() {
      for (const branch of branches.values()) if (read.has(branch.account)) judgeBranch(branch);
      for (const lease of leases) judgeLease(lease);
      return tally.finding();
    },
  };
};
