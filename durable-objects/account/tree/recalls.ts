import type { Hex } from '../../../src/core/hex.ts';
import { inTime } from '../../../src/core/in-time.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { Recall, Returned, Shares } from '../../../src/protocol/account/lease.ts';
import type { Acknowledged } from '../../../src/protocol/account/rpc.ts';
import { unstored } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import { authorityOver } from './authority-over.ts';
import { issuerOf, linksOf } from './grants.ts';
import { type IssuedLease, leaseOf, liveLeases, recallable } from './issued-lease.ts';
import type { Peers } from './lease-requests.ts';
import type { Report } from './merge-report.ts';
import { takeBack } from './take-back.ts';
import { giveUp, idleBranches, reportArrived, reportLost } from './return-shares.ts';
import { hasUnused } from './share.ts';

/** How long a descendant may take to answer, milliseconds: a round must fit into an ancestor's own timeout. */
const TIMEOUT_MS = 2_000;
/** Descendants in one round. */
const ROUND_SIZE = 64;
/** The most descendants that one command notifies; the others learn of it when their leases expire. */
const MAX_PUSHED = 900;
/** Milliseconds for which a descendant's report counts before the account requests another. */
const REPORT_MS = 1_000;
/** Milliseconds for which recalls skip a descendant that did not answer: its siblings must not wait for it each time. */
const SILENT_MS = 10_000;

type Branches = Readonly<Record<Hex, Shares>>;

export type Recalls = {
  /** Collects reports of descendants about their shares. A report costs a descendant no row and no share. */
  reports(): Promise<readonly Report[]>;
  /** Collects reports, and takes over what the descendants have spent and hold. */
  takeReports(): Promise<void>;
  /**
   * Takes back what descendants do not use. A caller that arrives during a round waits for the next round.
   *
   * @returns how many descendants received a recall. After zero another round returns nothing.
   */
  round(): Promise<number>;
  /** Notifies holders of live leases of the account's status now. Undefined `issued`: all of them. */
  push(issued: readonly Hex[] | undefined): Promise<{
    readonly acknowledged: readonly AccountId[];
    readonly silent: readonly AccountId[];
  }>;
  /** Returns to ancestors what this account has not used. */
  giveUpIdle(): Promise<void>;
};

export const openRecalls = (account: AccountId, ledger: Ledger, peers: Peers): Recalls => {
  /** The latest reports, and from when silent accounts get a recall again. */
  const reported = new Map<
    AccountId,
    { readonly at: number; readonly branches: Branches; readonly isMerged: boolean }
  >();
  const silentUntil = new Map<AccountId, number>();
  let collecting: Promise<void> | undefined;
  let running: Promise<number> | undefined;
  let next: Promise<number> | undefined;

  /** One message for each descendant, whatever the number of grants it holds from here. */
  const recallsOf = (rows: readonly IssuedLease[]): Promise<ReadonlyMap<AccountId, Recall>> =>
    ledger.submit<ReadonlyMap<AccountId, Recall>>((state, context) => {
      const all = new Map<AccountId, Recall>();
      for (const row of rows) {
        const { authority } = authorityOver(state, row, context);
        const { revision, status } = authority;
        // The shares may have changed since the lease was read.
        const { shares } = leaseOf(context.read, row.child, row.issued) ?? row;
        const branches = all.get(row.child)?.branches ?? {};
        const of = { of: state.account };
        const branch = { revision, status, shares };
        all.set(row.child, { ...of, branches: { ...branches, [row.issued]: branch } });
      }
      return unstored(state, all);
    }, new Map());

  /** A descendant's answer; undefined without one. */
  const answerOf = async (
    child: AccountId,
    question: (peer: ReturnType<Peers>) => Promise<Returned>,
  ): Promise<Branches | undefined> => {
    const requestedAt = Date.now();
    try {
      const returned = await inTime(question(peers(child)), TIMEOUT_MS);
      return returned.verdict === 'unavailable' ? undefined : returned.branches;
    } catch (cause) {
      const now = Date.now();
      for (const [silent, until] of silentUntil) if (until <= now) silentUntil.delete(silent);
      if (now - requestedAt >= TIMEOUT_MS) silentUntil.set(child, now + SILENT_MS);
      console.error({ event: 'recall_failed', account, child, cause: String(cause) });
      return undefined;
    }
  };

  const recall = async (
    rows: readonly IssuedLease[],
  ): Promise<readonly (readonly [AccountId, boolean])[]> => {
    const recalls = [...(await recallsOf(rows))];
    return Promise.all(
      recalls.map(async ([child, message]) => {
        const branches = await answerOf(child, (peer) => peer.recall(message));
        await takeBackAll(ledger, child, branches ?? {});
        return [child, branches !== undefined] as const;
      }),
    );
  };

  /** Descendants that may have something to return, largest amounts first, without those that do not answer. */
  const candidates = (now: number): readonly IssuedLease[] =>
    recallable(ledger.disk(), Math.floor(now / 1000), ROUND_SIZE + silentUntil.size)
      .filter(({ child }) => now >= (silentUntil.get(child) ?? 0))
      .slice(0, ROUND_SIZE);

  const run = async (): Promise<number> => {
    const now = Date.now();
    const rows = candidates(now).filter(({ shares }) => hasUnused(shares, Math.floor(now / 1000)));
    if (rows.length > 0) await recall(rows);
    return rows.length;
  };

  const collect = async (): Promise<void> => {
    const now = Date.now();
    for (const [child, { at }] of reported) if (at + REPORT_MS <= now) reported.delete(child);
    const recalls = await recallsOf(candidates(now).filter(({ child }) => !reported.has(child)));
    await Promise.all(
      [...recalls].map(async ([child, message]) => {
        reported.set(child, { at: now, branches: {}, isMerged: true });
        const branches = await answerOf(child, (peer) => peer.report(message));
        if (branches !== undefined) reported.set(child, { at: now, branches, isMerged: false });
      }),
    );
  };

  const reports = async (): Promise<readonly Report[]> => {
    collecting ??= collect()
      .catch((cause: unknown) => {
        console.error({ event: 'reports_failed', account, cause: String(cause) });
      })
      .finally(() => {
        collecting = undefined;
      });
    await collecting;
    return [...reported].flatMap(([child, { branches }]) => reportsOf(child, branches));
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
    reports,
    round,

    async takeReports() {
      await reports();
      // Merge each report once: an older report must not overwrite figures of a newer request of the same account.
      const news = [...reported].filter(([, { isMerged }]) => !isMerged);
      for (const [child, report] of news) reported.set(child, { ...report, isMerged: true });
      await Promise.all(
        news.map(async ([child, { branches }]) => takeBackAll(ledger, child, branches)),
      );
    },

    async push(issued) {
      const live = liveLeases(ledger.disk(), Math.floor(Date.now() / 1000));
      const rows = live.filter((row) => issued === undefined || issued.includes(row.issued));
      const pushed: (readonly [AccountId, boolean])[] = [];
      for (let at = 0; at < Math.min(rows.length, MAX_PUSHED); at += ROUND_SIZE) {
        pushed.push(...(await recall(rows.slice(at, at + ROUND_SIZE))));
      }
      const unpushed = rows.slice(MAX_PUSHED).map(({ child }) => child);
      return {
        acknowledged: pushed.filter(([, acknowledged]) => acknowledged).map(([child]) => child),
        silent: [
          ...pushed.filter(([, acknowledged]) => !acknowledged).map(([child]) => child),
          ...unpushed,
        ],
      };
    },

    async giveUpIdle() {
      const idle = await ledger.submit<readonly SignedGrant[]>((state, { now }) => {
        const due = idleBranches(state, now);
        const links = state.held.flatMap(linksOf).filter(({ hash }) => due.includes(hash));
        return unstored(state, [...new Map(links.map((link) => [link.hash, link])).values()]);
      }, []);
      for (const link of idle) {
        // Commit before sending: a total that was sent and then lost would be spent twice (law 6).
        const shares = await ledger.submit<Shares | undefined>(
          (state) => giveUp(state, link.hash),
          undefined,
        );
        if (shares === undefined) continue;
        let verdict: Acknowledged = { verdict: 'unavailable' };
        try {
          const branches = { [link.hash]: shares };
          verdict = await inTime(peers(issuerOf(link)).giveBack(account, branches), TIMEOUT_MS);
        } catch (cause) {
          console.error({ event: 'give_back_failed', account, cause: String(cause) });
        }
        await ledger.submit<unknown>(
          (state, { now }) =>
            verdict.verdict === 'ok'
              ? reportArrived(state, link.hash, shares, now)
              : reportLost(state, link.hash),
          undefined,
        );
      }
    },
  };
};

/** Takes back what a descendant returns by each of its grants. Unavailable if any of it was not committed. */
export const takeBackAll = async (
  ledger: Ledger,
  child: AccountId,
  branches: Branches,
): Promise<Acknowledged> => {
  const all = await Promise.all(
    reportsOf(child, branches).map(({ issued, shares }) =>
      ledger.submit<Acknowledged>(
        (state, context) => {
          const lease = leaseOf(context.read, child, issued);
          return lease === undefined
            ? unstored(state, { verdict: 'ok' })
            : takeBack(state, lease, shares, context);
        },
        { verdict: 'unavailable' },
      ),
    ),
  );
  return all.find(({ verdict }) => verdict === 'unavailable') ?? { verdict: 'ok' };
};

const reportsOf = (child: AccountId, branches: Branches): readonly Report[] =>
  (Object.entries(branches) as [Hex, Shares][]).map(([issued, shares]) => ({
    child,
    issued,
    shares,
  }));
