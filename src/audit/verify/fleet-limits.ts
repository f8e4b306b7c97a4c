import type { Seconds } from '../../core/clock.ts';
import { type Hex, ZERO_HASH } from '../../core/hex.ts';
import { type Every, everyOf, periodOf, windowName } from '../../policy/window.ts';
import { accountId, type AccountId, type AssetId } from '../../protocol/account-id.ts';
import { UNKNOWN } from './ancestor-claims.ts';
import { type InForce, SLACK } from './branches.ts';
import type { HashedEntry } from './check.ts';
import { CHILD_MISSING, CLOCKS } from './lender-claims.ts';
import { limitsOf, linksOf, networkOf } from './replay/binding.ts';
import { countedOf, isHeld, type ReplayedCall } from './replay/call.ts';
import type { Replayed } from './replay/replay.ts';
import type { Texts } from './replay/texts.ts';
import type { Tally } from './tally.ts';
import { firstFrom } from './times.ts';

/** The facts in the files about the accounts of a fleet. */
export type Fleet = {
  readonly isRead: (account: AccountId) => boolean;
  /** Whether the files have the chains of all descendants. */
  readonly isWhole: (account: AccountId) => boolean;
  /** The limits of an account's own policies by counter; undefined if the files do not show which default policy was in force. */
  readonly limitsOver: (
    account: AccountId,
    asset: AssetId,
  ) => ReadonlyMap<string, readonly InForce[]> | undefined;
};

/**
 * The statements of the check `limits` that depend on other accounts: each call drew on limits, and perhaps on credit, of ancestors or
 * descendants.
 */
export type FleetLimits = {
  readonly see: (seen: HashedEntry, replayed: Replayed) => void;
  readonly judge: (fleet: Fleet, tally: Tally) => void;
};

const FULL =
  'the prices of all calls of the fleet up to then exceed a limit together: entries do not show which calls held money at once';
const CREDIT =
  'calls of the fleet up to then may together have held more credit than there was: entries do not show which calls held it at once';
const DEFAULTS =
  'the files name several default policies, but not which one applied to an ancestor';

type Pending = Pick<ReplayedCall, 'at' | 'asset' | 'grant' | 'lender' | 'paidBy'> & {
  readonly account: AccountId;
  readonly lends: boolean;
};

const ENDS = /^call\.(?:finished|abandoned|resolved|refused)$/;

export const createFleetLimits = (texts: Texts): FleetLimits => {
  const [holds, releases, income, expenses] = [newSums(), newSums(), newSums(), newSums()];
  const pending: Pending[] = [];
  let reading: AccountId | undefined;
  /** The ended calls of the account that is being read. */
  const ended = new Set<Hex>();

  /** The counters and the credit that a call draws on: those of its own account and of every ancestor. */
  const keysOf = (account: AccountId, call: ReplayedCall): readonly string[] => {
    const { asset, grant, paidBy } = call;
    const on = networkOf(account);
    const links = linksOf(grant, texts);
    const lender = links.find(({ hash }) => hash === call.lender)?.issuer;
    return [
      keyOf(account, asset),
      ...(grant === undefined ? [] : [keyOf(account, asset, grant)]),
      ...links.flatMap(({ issuer, parent }) => [
        keyOf(accountId(on, issuer), asset),
        ...(parent === ZERO_HASH ? [] : [keyOf(accountId(on, issuer), asset, parent)]),
      ]),
      ...(paidBy === 'credit' ? [keyOf(account, asset, 'credit')] : []),
      ...(lender === undefined ? [] : [keyOf(accountId(on, lender), asset, 'credit')]),
    ];
  };

  return {
    see({ entry }, { accepted, before, after, call }) {
      const { type, account, at } = entry;
      if (account !== reading) ended.clear();
      reading = account;
      if (before.purses !== after.purses && type !== 'credit.lent' && call?.paidBy !== 'credit') {
        for (const asset of Object.keys(after.purses) as AssetId[]) {
          const earned = (after.purses[asset]?.credit ?? 0n) - (before.purses[asset]?.credit ?? 0n);
          if (earned > 0n) income(keyOf(account, asset), at, earned);
          if (earned < 0n) expenses(keyOf(account, asset), at, -earned);
        }
      }
      if (call === undefined || call.creditTo !== undefined) return;
      if (accepted !== undefined) {
        for (const key of keysOf(account, call)) holds(key, at, call.price);
        if (accepted.judgement.verdict !== 'pending' || before.isBlind) return;
        const { asset, grant, lender, paidBy } = call;
        pending.push({ account, at, asset, grant, lender, paidBy, lends: before.lends });
      } else if (ENDS.test(type) && !isHeld(call) && !ended.has(call.id)) {
        ended.add(call.id);
        for (const key of keysOf(account, call)) releases(key, at, call.price - countedOf(call));
      }
    },
    judge(fleet, tally) {
      const sums = [holds, releases, income, expenses].map((each) => each.prepared());
      const [held, released, earned, spent] = sums as [Range, Range, Range, Range];

      const known = new Map<string, readonly Course[] | undefined>();
      const coursesOf = (account: AccountId, asset: AssetId): readonly Course[] | undefined => {
        const key = keyOf(account, asset);
        if (!known.has(key)) {
          const found = fleet.limitsOver(account, asset);
          known.set(key, found && [...found].map(courseOf));
        }
        return known.get(key);
      };

      /** The most that calls can have drawn up to a time, in the period that contains it. */
      const drawn = (key: string, every: Every, at: Seconds): bigint =>
        every === 'lifetime'
          ? held(key, 0, at + SLACK) - released(key, 0, at - CLOCKS)
          : held(key, periodOf(every, at - SLACK).start - SLACK, at + SLACK);

      const lackIn = (
        account: AccountId,
        parent: Hex | undefined,
        isPaying: boolean,
        call: Pending,
      ) => {
        const { asset, at } = call;
        if (!fleet.isRead(account)) return UNKNOWN;
        if (!fleet.isWhole(account)) return CHILD_MISSING;
        const own = coursesOf(account, asset);
        if (own === undefined) return DEFAULTS;
        for (const { name, starts, ends, limits } of own) {
          const most = drawn(keyOf(account, asset), everyOf(name), at);
          const near = limits.slice(firstFrom(ends, at - SLACK), firstFrom(starts, at + SLACK + 1));
          if (near.some(({ limit }) => most > limit)) return FULL;
        }
        const policy = parent && texts.compiled(parent, networkOf(account));
        for (const { every, limit } of policy ? limitsOf(policy, asset) : [])
          if (drawn(keyOf(account, asset, parent), everyOf(windowName(every)), at) > limit)
            return FULL;
        if (!isPaying) return undefined;
        const key = keyOf(account, asset);
        const credit = earned(key, 0, at + CLOCKS) - spent(key, 0, at + SLACK);
        return drawn(keyOf(account, asset, 'credit'), 'lifetime', at) > credit ? CREDIT : undefined;
      };

      for (const call of pending) {
        const { account, grant, lender, paidBy, lends } = call;
        const on = networkOf(account);
        const links = linksOf(grant, texts);
        const lacks = [
          ...(lends ? [lackIn(account, grant, paidBy === 'credit', call)] : []),
          ...links.map(({ hash, issuer, parent }) =>
            lackIn(
              accountId(on, issuer),
              parent === ZERO_HASH ? undefined : parent,
              hash === lender,
              call,
            ),
          ),
        ];
        const lack = lacks.find((each) => each !== undefined);
        if (lack === undefined) tally.prove();
        else tally.bound(lack);
      }
    },
  };
};

/** A counter, and its limits over time. */
type Course = {
  readonly name: string;
  readonly limits: readonly InForce[];
  readonly starts: readonly Seconds[];
  readonly ends: readonly Seconds[];
};

const courseOf = ([name, limits]: readonly [string, readonly InForce[]]): Course => ({
  ...{ name, limits },
  starts: limits.map(({ from }) => from),
  ends: limits.map(({ to }) => to),
});

const keyOf = (account: AccountId, asset: AssetId, scope = ''): string =>
  `${account} ${asset} ${scope}`;

/** The sum of the amounts noted from one time to another, both inclusive. */
type Range = (key: string, from: Seconds, to: Seconds) => bigint;

type Sums = ((key: string, at: Seconds, amount: bigint) => void) & {
  readonly prepared: () => Range;
};

/** Amounts by key and time. They are sorted once, so that each sum costs two binary searches. */
const newSums = (): Sums => {
  const noted = new Map<string, { readonly at: Seconds; readonly amount: bigint }[]>();
  const note = (key: string, at: Seconds, amount: bigint): void => {
    const known = noted.get(key) ?? [];
    known.push({ at, amount });
    noted.set(key, known);
  };
  const prepared = (): Range => {
    const ready = new Map(
      [...noted].map(([key, unordered]) => {
        const sorted = unordered.toSorted((one, other) => one.at - other.at);
        const before = [0n];
        for (const { amount } of sorted) before.push((before.at(-1) ?? 0n) + amount);
        return [key, { times: sorted.map(({ at }) => at), before }] as const;
      }),
    );
    return (key, from, to) => {
      const { times, before } = ready.get(key) ?? { times: [], before: [0n] };
      const until = (time: Seconds): bigint => before[firstFrom(times, time)] ?? 0n;
      return from > to ? 0n : until(to + 1) - until(from);
    };
  };
  return Object.assign(note, { prepared });
};
