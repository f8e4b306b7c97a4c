import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import { everyOf, periodOf, windowName } from '../../policy/window.ts';
import type { AccountId, AssetId } from '../../protocol/account-id.ts';
import { type AncestorClaim, claimsOf, judgeClaim, knownAncestor } from './ancestor-claims.ts';
import { createBorrowed } from './borrower-calls.ts';
import { type BranchCalls, branchCalls } from './branch-calls.ts';
import {
  type Acceptance,
  type Branch,
  type CallPlace,
  countCall,
  type InForce,
  limitsOver,
  newBranch,
  noteEntry,
} from './branches.ts';
import type { Finding, HashedEntry } from './check.ts';
import { type CutOff, cutOffIn, judgeCutOff } from './cut-offs.ts';
import { createFleetLimits } from './fleet-limits.ts';
import { CHILD_MISSING, judgeLease, judgeLent } from './lender-claims.ts';
import { type LimitCourse, limitCourse, surelyCounts } from './limit-course.ts';
import { limitsOf, namedPolicies, networkOf } from './replay/binding.ts';
import type { ReplayedCall } from './replay/call.ts';
import type { Replayed } from './replay/replay.ts';
import type { Texts } from './replay/texts.ts';
import { createTally, type Tally } from './tally.ts';

/** The check `totals`: the sums that limits counted, for an account and all its descendants (docs/audit-format.md). */
export type Totals = {
  readonly see: (seen: HashedEntry, replayed: Replayed) => void;
  /** All entries of an account were seen. */
  readonly close: (account: AccountId, calls: Iterable<ReplayedCall>) => void;
  /** Judges the statements that the check `limits` left open, after the last entry. */
  readonly judgeLimits: (limits: Tally) => void;
  readonly end: () => Finding;
};

/** Why a sum proves nothing. */
const EDGE = 'calls near the end of a period, or near a change of policy, may count in either';

/** `place`, with rank `rank`: the place of the last of its calls, in the order of the files. */
type Sum = { sure: bigint; all: bigint; place: CallPlace; rank: number };

/** An account whose limits are judged. `isWhole`: the chains of all accounts below it are in the files. */
type Judged = { readonly calls: BranchCalls; readonly isWhole: boolean };

export const createTotals = (texts: Texts): Totals => {
  const tally = createTally('totals');
  const fleetLimits = createFleetLimits(texts);
  const branches = new Map<AccountId, Branch>();
  const read = new Map<AccountId, Seconds>();
  const claims: AncestorClaim[] = [];
  const cutOffs: CutOff[] = [];
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

  const judge = (
    { calls, isWhole: whole }: Judged,
    asset: AssetId,
    name: string,
    limits: readonly InForce[],
    parent?: Hex,
  ): void => {
    const field = parent === undefined ? name : `${parent}/${name}`;
    const course = limitCourse(limits);
    for (const [start, { sure, all, place }] of sumsOf(calls, asset, name, course, parent, texts)) {
      const highest = course.highestIn(periodOf(everyOf(name), start));
      if (highest < 0n) continue;
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
    // There are several default policies, and entries do not show when an ancestor had which one.
    const [standard] = standards.size === 1 ? standards : [];
    const parents = new Set<Hex>();
    for (const { parent } of branch.below) if (parent !== '') parents.add(parent);
    for (const { name } of branch.own.values()) {
      const [grant, counter] = name.split('/');
      if (counter !== undefined) parents.add(grant as Hex);
    }
    const judged = { calls: branchCalls(branch), isWhole: isWhole(branch.account) };
    for (const asset of assets) {
      for (const [name, limits] of limitsOver(branch, asset, texts, standard)) {
        judge(judged, asset, name, limits);
      }
      for (const parent of parents) {
        const policy = texts.compiled(parent, networkOf(branch.account));
        if (policy === undefined) continue;
        for (const { every, limit } of limitsOf(policy, asset)) {
          const always = [{ from: 0, to: Number.MAX_SAFE_INTEGER, limit }];
          judge(judged, asset, windowName(every), always, parent);
        }
      }
    }
  };

  return {
    see(seen, replayed) {
      const { entry, before, accepted } = replayed;
      noteEntry(branchOf(entry.account), entry);
      fleetLimits.see(seen, replayed);
      if (entry.type === 'lease.closed') leases.push(seen);
      if (entry.type === 'credit.lent') lent.push(seen);
      newest = entry.at;
      const { account, seq, call } = entry;
      const place = { ...seen.place, account, seq };
      if (replayed.hasCutOff) cutOffs.push(cutOffIn(replayed, place, texts));
      if (call === undefined || (accepted === undefined && entry.type !== 'call.denied')) return;
      const named = namedPolicies(before, entry);
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
    judgeLimits(limits) {
      const wholes = new Map<AccountId, boolean>();
      const [standard] = standards;
      fleetLimits.judge(
        {
          isRead: (account) => read.has(account),
          isWhole(account) {
            const known = wholes.get(account) ?? isWhole(account);
            wholes.set(account, known);
            return known;
          },
          limitsOver: (account, asset) =>
            standards.size > 1 ? undefined : limitsOver(branchOf(account), asset, texts, standard),
        },
        limits,
      );
    },
    end() {
      for (const branch of branches.values()) if (read.has(branch.account)) judgeBranch(branch);
      const files = { borrowedOf: createBorrowed(branchOf), read, tally };
      for (const lease of leases) judgeLease(lease, files);
      const known = new Map(
        [...read.keys()].map((account) => [account, knownAncestor(branchOf(account))]),
      );
      for (const claim of claims) judgeClaim(claim, known.get(claim.ancestor), texts, tally);
      for (const cutOff of cutOffs) judgeCutOff(cutOff, known.get(cutOff.by), texts, tally);
      judgeLent(lent, files);
      return tally.finding();
    },
  };
};

/** Adds up one counter of an account, period by period. `parent`: the grant of the account that the counter belongs to. */
const sumsOf = (
  calls: BranchCalls,
  asset: AssetId,
  name: string,
  course: LimitCourse,
  parent: Hex | undefined,
  texts: Texts,
): readonly (readonly [Seconds, Sum])[] => {
  const sums = new Map<Seconds, Sum>();
  const add = (
    start: Seconds,
    amount: bigint,
    isSure: boolean,
    { place, rank = -1 }: { readonly place: CallPlace; readonly rank?: number },
  ): void => {
    const sum = sums.get(start) ?? { sure: 0n, all: 0n, place, rank };
    sums.set(start, {
      sure: isSure ? sum.sure + amount : sum.sure,
      all: sum.all + amount,
      ...(rank >= sum.rank ? { place, rank } : { place: sum.place, rank: sum.rank }),
    });
  };
  const counter = parent === undefined ? name : `${parent}/${name}`;
  for (const own of calls.own(asset, counter)) add(own.start, own.amount, true, own);
  for (const { from, to } of course.near) {
    for (const call of calls.below(asset, parent, from, to)) {
      const { start } = periodOf(everyOf(name), call.at);
      add(start, call.amount, surelyCounts(name, call, course, texts), call);
    }
  }
  return [...sums].toSorted(([one], [other]) => one - other);
};
