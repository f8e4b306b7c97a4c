import type { AccountId, Hex } from '../../src/core/account-id.ts';
import { unchanged } from './decision.ts';
import { inTime, type Peers } from './desk.ts';
import { idleBranches } from './idle.ts';
import { authorityOver } from './issued.ts';
import type { Ledger } from './ledger.ts';
import { type LeaseRow, takeBack } from './lessor.ts';
import { closeBook, giveUp } from './lessee.ts';
import { sliceEnd } from './slices.ts';
import type { Recall, SignedGrant, Slices } from './tree-contract.ts';
import { linksOf, outstandingOf, unusedOf } from './tree.ts';
import { issuerOf } from './authority.ts';

/** How long an account below may take to answer, milliseconds: a round of them fits into what an account above may take. */
const TIMEOUT_MS = 2_000;
/** How many are asked in one round, and told at the same time. */
const AT_ONCE = 64;
/** The most that one order tells; everybody else learns when its lease ends. */
const MOST_TOLD = 900;
/** What only running calls could still free is not asked for more often than this, milliseconds. */
const LOOSE_PAUSE_MS = 1_000;

export type Recalls = {
  /**
   * Takes back what those below do not use. Whoever comes while a round runs waits for one that began after he came.
   *
   * @returns how many were asked: with nobody left to ask, another round brings nothing.
   */
  round(): Promise<number>;
  /** Tells holders of live leases how things stand now. Empty `issued`: all of them. */
  push(issued: readonly Hex[] | undefined): Promise<{
    readonly acknowledged: readonly AccountId[];
    readonly silent: readonly AccountId[];
  }>;
  /** Gives back what this account has not used, to those above. */
  giveUpIdle(): Promise<void>;
};

export const openRecalls = (account: AccountId, ledger: Ledger, peers: Peers): Recalls => {
  const askedAt = new Map<string, number>();
  let running: Promise<number> | undefined;
  let next: Promise<number> | undefined;

  /** One message for each account below, whatever the number of grants it holds from here. */
  const recallsOf = (rows: readonly LeaseRow[]): Promise<ReadonlyMap<AccountId, Recall>> =>
    ledger.submit<ReadonlyMap<AccountId, Recall>>((state, _, context) => {
      const all = new Map<AccountId, Recall>();
      for (const row of rows) {
        const { authority } = authorityOver(state, row, context);
        const { revision, status } = authority;
        // What is told of the slices may have changed since the row was read.
        const { slices } = context.leaseOf(row.child, row.issued) ?? row;
        const branches = all.get(row.child)?.branches ?? {};
        const of = { of: state.account };
        const branch = { revision, status, slices };
        all.set(row.child, { ...of, branches: { ...branches, [row.issued]: branch } });
      }
      return unchanged(state, all);
    }, new Map());

  const recall = async (
    rows: readonly LeaseRow[],
  ): Promise<readonly (readonly [AccountId, boolean])[]> => {
    const recalls = [...(await recallsOf(rows))];
    return Promise.all(
      recalls.map(async ([child, message]) => {
        try {
          const returned = await inTime(peers(child).recall(message), TIMEOUT_MS);
          if (returned.verdict === 'unavailable') return [child, false] as const;
          await hear(child, returned.branches);
          return [child, true] as const;
        } catch (cause) {
          console.error({ event: 'recall_failed', account, child, cause: String(cause) });
          return [child, false] as const;
        }
      }),
    );
  };

  const hear = async (
    child: AccountId,
    branches: Readonly<Record<Hex, Slices>>,
  ): Promise<unknown> => {
    const told = Object.entries(branches) as [Hex, Slices][];
    return Promise.all(
      told.map(([issued, slices]) =>
        ledger.submit<unknown>((state, _, context) => {
          const row = context.leaseOf(child, issued);
          return row === undefined
            ? unchanged(state, undefined)
            : takeBack(state, row, slices, context);
        }, undefined),
      ),
    );
  };

  /** Asked again at once where something is known to be unused; where only calls run, now and then. */
  const isWorthAsking = ({ child, issued, slices }: LeaseRow, now: number): boolean => {
    const current = Object.entries(slices).filter(
      ([name, slice]) => now / 1000 < sliceEnd(name, slice),
    );
    if (current.some(([, slice]) => unusedOf(slice) > 0n)) return true;
    const isLoose = current.some(([, slice]) => outstandingOf(slice) > slice.spent);
    return isLoose && now >= (askedAt.get(`${child} ${issued}`) ?? 0) + LOOSE_PAUSE_MS;
  };

  const run = async (): Promise<number> => {
    const now = Date.now();
    const rows = ledger.storage().recallable(Math.floor(now / 1000), AT_ONCE);
    const worth = rows.filter((row) => isWorthAsking(row, now));
    for (const { child, issued } of worth) askedAt.set(`${child} ${issued}`, now);
    if (askedAt.size > 4 * AT_ONCE) askedAt.clear();
    if (worth.length > 0) await recall(worth);
    return worth.length;
  };

  const started = async (): Promise<number> => {
    try {
      return await run();
    } catch (cause) {
      console.error({ event: 'recall_round_failed', account, cause: String(cause) });
      return 0;
    } finally {
      running = undefined;
    }
  };

  const round = (): Promise<number> => {
    if (running === undefined) return (running = started());
    next ??= running.then(() => {
      next = undefined;
      return round();
    });
    return next;
  };

  return {
    round,

    async push(issued) {
      const live = ledger.storage().liveLeases(Math.floor(Date.now() / 1000));
      const rows = live.filter((row) => issued === undefined || issued.includes(row.issued));
      const told: (readonly [AccountId, boolean])[] = [];
      for (let at = 0; at < Math.min(rows.length, MOST_TOLD); at += AT_ONCE) {
        told.push(...(await recall(rows.slice(at, at + AT_ONCE))));
      }
      const untold = rows.slice(MOST_TOLD).map(({ child }) => child);
      return {
        acknowledged: told.filter(([, heard]) => heard).map(([child]) => child),
        silent: [...told.filter(([, heard]) => !heard).map(([child]) => child), ...untold],
      };
    },

    async giveUpIdle() {
      const idle = await ledger.submit<readonly SignedGrant[]>((state, _, { now }) => {
        const due = idleBranches(state, now);
        const links = state.held.flatMap(linksOf).filter(({ hash }) => due.includes(hash));
        return unchanged(state, [...new Map(links.map((link) => [link.hash, link])).values()]);
      }, []);
      for (const link of idle) {
        // Committed before it is told: what was told and then forgotten would be spent twice (law 6).
        const slices = await ledger.submit<Slices | undefined>(
          (state) => giveUp(state, link.hash),
          undefined,
        );
        if (slices === undefined) continue;
        try {
          const branches = { [link.hash]: slices };
          const heard = await inTime(peers(issuerOf(link)).giveBack(account, branches), TIMEOUT_MS);
          if (heard.verdict !== 'ok') continue;
          await ledger.submit<unknown>(
            (state, _, { now }) => closeBook(state, link.hash, slices, now),
            undefined,
          );
        } catch (cause) {
          // It is in the totals of the next request.
          console.error({ event: 'give_back_failed', account, cause: String(cause) });
        }
      }
    },
  };
};
