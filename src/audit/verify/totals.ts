import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import { everyOf, periodOf, windowName } from '../../policy/window.ts';
import type { AccountId, AssetId } from '../../protocol/account-id.ts';
import { type AncestorClaim, claimsOf, judgeClaim } from './ancestor-claims.ts';
import {
  type Acceptance,
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
import { CHILD_MISSING, judgeLease, judgeLent } from './lent.ts';
import { limitsOf, namedPolicies, networkOf } from './replay/binding.ts';
import type { ReplayedCall } from './replay/call.ts';
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
const EDGE = 'calls near the end of a period, or near a change of policy, may count in either';

type Sum = { sure: bigint; all: bigint; place: CallPlace };

export const createTotals = (texts: Texts): Totals => {
  const tally = createTally('totals');
  const branches = new Map<AccountId, Branch>();
  const read = new Map<AccountId, Seconds>();
  const claims: AncestorClaim[] = [];
  const lent: HashedEntry[] = [];
  let newest: Seconds = 0;
  const standards = new Set<Hex>();
  const acceptances = new Map<Hex, Acceptance>();
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
      const counts = countsAs(name, call, limits, texts);
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

  return {
    see(seen, { entry, before, accepted }) {
      noteEntry(branchOf(entry.account), entry);
      if (entry.type === 'lease.closed') leases.push(seen);
      if (entry.type === 'credit.lent') lent.push(seen);
      newest = entry.at;
      const { account, seq, call } = entry;
      if (call === undefined || (accepted === undefined && entry.type !== 'call.denied')) return;
      const named = namedPolicies(before, entry);
      const place = { ...seen.place, account, seq };
      claims.push(...claimsOf(entry, named, place, texts));
      if (accepted === undefined) return;
      const [base] = named;
      if (base?.kind === 'default') standards.add(base.hash);
      acceptances.set(call, { place, named });
    },
    close(account, calls) {
      read.set(account, newest);
      for (const call of calls) {
        const acceptance = acceptances.get(call.id);
        if (acceptance !== undefined) countCall(branchOf, account, call, acceptance, texts);
      }
      acceptances.clear();
    },
    end() {
      for (const branch of branches.values()) if (read.has(branch.account)) judgeBranch(branch);
      const files = { branchOf, read, tally };
      for (const lease of leases) judgeLease(lease, files);
      for (const claim of claims) {
        const { ancestor } = claim;
        judgeClaim(claim, read.has(ancestor) ? branchOf(ancestor) : undefined, texts, tally);
      }
      judgeLent(lent, files);
      return tally.finding();
    },
  };
};
