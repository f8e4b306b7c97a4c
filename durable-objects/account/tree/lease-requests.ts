import { nowSeconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { inTime } from '../../../src/core/in-time.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import type { AccountId, AssetId } from '../../../src/protocol/account-id.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { LeaseRequest, LeaseVerdict } from '../../../src/protocol/account/lease.ts';
import type { AgentAccountRpc } from '../../../src/protocol/account/rpc.ts';
import { max, min } from '../../../src/protocol/amount.ts';
import { NO_PROGRESS, type Progress } from '../call/progress.ts';
import { unstored } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import { issuerOf } from './grants.ts';
import { answerWaiters, type LeaseAnswer, type LeaseNeed, leaseNeeds } from './lease-need.ts';
import { CREDIT, shareEnd, unusedOf } from './share.ts';
import { policiesOf, takeLease } from './take-lease.ts';
import { changeUsedShares, shareOf } from './tree.ts';

/** The most that a busy account asks for ahead, in calls like the waiting one. */
const MAX_AHEAD = 256n;
/** How long an ancestor may take to answer, milliseconds; then the call is denied (law 8). */
const TIMEOUT_MS = 5_000;

const KNOWN: ReadonlySet<string> = new Set(['leased', 'short', 'refused']);

export type Peers = (
  account: AccountId,
) => Pick<AgentAccountRpc, 'lease' | 'recall' | 'report' | 'giveBack'>;

/** Requests for shares of ancestors' limits: one at a time for each grant, for all calls that wait. */
export type LeaseRequests = {
  /** Requests all needs concurrently. @returns the answers for the call's next decision. */
  obtain(progress: Progress, needs: readonly LeaseNeed[], asset: AssetId): Promise<Progress>;
  /** As `obtain`, without taking anything: for dry runs. */
  rehearse(progress: Progress, needs: readonly LeaseNeed[], asset: AssetId): Promise<Progress>;
};

type Waiter = LeaseNeed & { readonly done: (answered: LeaseAnswer) => void };

/** All calls that wait for one ancestor. `appetite`: what a busy account asks for beyond its needs, doubled each time. */
type WaitQueue = { waiters: Waiter[]; isRequesting: boolean; appetite: bigint };

export const openLeaseRequests = (
  account: AccountId,
  ledger: Ledger,
  peers: Peers,
): LeaseRequests => {
  const queues = new Map<Hex, WaitQueue>();

  const queueOf = (issued: Hex): WaitQueue => {
    const known = queues.get(issued);
    if (known !== undefined) return known;
    const queue: WaitQueue = { waiters: [], isRequesting: false, appetite: 0n };
    queues.set(issued, queue);
    return queue;
  };

  /** Builds the request from the current shares, read between two group commits. */
  const requestOf = (
    link: SignedGrant,
    asset: AssetId,
    wish: Pick<LeaseRequest, 'need' | 'want'> & Partial<LeaseRequest>,
    holds?: LeaseNeed['holds'],
  ): Promise<{ readonly request: LeaseRequest; readonly busy: boolean } | undefined> =>
    ledger.submit<{ readonly request: LeaseRequest; readonly busy: boolean } | undefined>(
      (state, { now }) => {
        const lease = state.leases[link.hash];
        // The call's own hold covers its need: the ancestor must not count that amount as taken.
        const { tree } =
          holds === undefined
            ? state
            : changeUsedShares(state, holds.usedShares, (share) => ({
                ...share,
                held: share.held - holds.amount,
              }));
        const request: LeaseRequest = {
          child: account,
          issued: link.hash,
          asset,
          shares: tree.shares[link.hash] ?? {},
          ...(lease === undefined || wish.dryRun === true ? {} : { knows: lease.policiesHash }),
          ...wish,
        };
        return unstored(state, { request, busy: lease !== undefined && now < lease.until });
      },
      undefined,
    );

  const send = async (link: SignedGrant, request: LeaseRequest): Promise<LeaseVerdict> => {
    try {
      const verdict = await inTime(peers(issuerOf(link)).lease(request), TIMEOUT_MS);
      // An unknown verdict, e.g. of a newer Worker, counts as no answer.
      return KNOWN.has(verdict.verdict) ? verdict : { verdict: 'unavailable' };
    } catch (cause) {
      console.error({ event: 'lease_failed', account, cause: String(cause) });
      return { verdict: 'unavailable' };
    }
  };

  const ask = async (queue: WaitQueue, head: Waiter, asset: AssetId): Promise<void> => {
    const { link } = head;
    const sum = (of: (waiter: Waiter) => bigint): bigint =>
      queue.waiters.reduce((all, waiter) => all + of(waiter), 0n);
    const needs = sum(({ need }) => need);
    const credits = sum(({ credit }) => credit ?? 0n);
    const wish = {
      need: head.need,
      want: needs + queue.appetite,
      ...(head.credit === undefined
        ? {}
        : { credit: head.credit, creditWant: credits + queue.appetite }),
    };
    const prepared = await requestOf(link, asset, wish, head.holds);
    const requestedAt = nowSeconds();
    const verdict: LeaseVerdict =
      prepared === undefined ? { verdict: 'unavailable' } : await send(link, prepared.request);
    const held = await ledger.submit(
      (state, { now }) => {
        const next =
          verdict.verdict === 'unavailable'
            ? state
            : takeLease(state, link, verdict, requestedAt, head.need);
        return unstored(next, {
          isLive: now < (next.leases[link.hash]?.until ?? 0),
          unused: (next.leases[link.hash]?.names ?? []).map((name) =>
            unusedOf(shareOf(next.tree, link.hash, name)),
          ),
          credit: unusedOf(shareOf(next.tree, link.hash, CREDIT)),
          // The period is over by this account's clock and not by the ancestor's: neither this share nor a larger one could be used.
          usable: (next.leases[link.hash]?.names ?? []).every(
            (name) => now < shareEnd(name, shareOf(next.tree, link.hash, name)),
          ),
        });
      },
      { isLive: false, unused: [], credit: 0n, usable: false },
    );
    if (prepared?.busy !== true || !held.usable) queue.appetite = 0n;
    // The ancestor had too little: stop requesting ahead.
    else if (verdict.verdict === 'leased') {
      queue.appetite = min(max(head.need, queue.appetite * 2n), head.need * MAX_AHEAD);
    }
    const { answered, waiting } = answerWaiters(queue.waiters, head, verdict, held);
    queue.waiters = [...waiting];
    for (const [waiter, answer] of answered) waiter.done(answer);
  };

  const serve = async (queue: WaitQueue, asset: AssetId): Promise<void> => {
    queue.isRequesting = true;
    for (let head = queue.waiters[0]; head !== undefined; head = queue.waiters[0]) {
      await ask(queue, head, asset);
    }
    queue.isRequesting = false;
  };

  const wait = (wanted: LeaseNeed, asset: AssetId): Promise<LeaseAnswer> =>
    new Promise((resolve) => {
      const queue = queueOf(wanted.link.hash);
      queue.waiters.push({ ...wanted, done: resolve });
      if (!queue.isRequesting) void serve(queue, asset);
    });

  const learned = (progress: Progress, { link }: LeaseNeed, answered: LeaseAnswer): Progress => {
    switch (answered.answered) {
      case 'again':
        return progress;
      case 'unreachable':
        return { ...progress, unreachable: { issued: link.hash, account: issuerOf(link) } };
      case 'no_credit':
        return { ...progress, withoutCredit: [...progress.withoutCredit, link.hash] };
      case 'short':
        return { ...progress, short: { issued: link.hash, denial: answered.denial } };
    }
  };

  return {
    async obtain(progress, needs, asset) {
      const all = await Promise.all(
        needs.map(async (each) => [each, await wait(each, asset)] as const),
      );
      return all.reduce((known, [each, answered]) => learned(known, each, answered), progress);
    },

    async rehearse(progress, needs, asset) {
      const all = await Promise.all(
        needs.map(async (each) => {
          const { link, need, credit } = each;
          const prepared = await requestOf(link, asset, {
            need,
            want: need,
            dryRun: true,
            ...(credit === undefined ? {} : { credit }),
          });
          const verdict: LeaseVerdict =
            prepared === undefined
              ? { verdict: 'unavailable' }
              : await send(link, prepared.request);
          if (verdict.verdict !== 'leased' && verdict.verdict !== 'refused') {
            const waiter: Waiter = { ...each, done: () => undefined };
            const { answered } = answerWaiters([waiter], waiter, verdict, {
              isLive: false,
              unused: [],
              credit: 0n,
            });
            return (known: Progress) =>
              answered.reduce((so, [, answer]) => learned(so, each, answer), known);
          }
          // Keep the refusal as after a real request: it reports the ancestor's status, not this call's.
          if (verdict.verdict === 'refused') {
            await ledger.submit<undefined>(
              (state, { now }) => unstored(takeLease(state, link, verdict, now, need), undefined),
              undefined,
            );
            return (known: Progress) => known;
          }
          const policies = policiesOf(link, verdict.authority) ?? [];
          const sources = policies.map((each): Source => ({
            ...each,
            status: 'active',
            counters: [],
          }));
          return (known: Progress): Progress => ({
            ...known,
            ancestorPolicies: [...known.ancestorPolicies, ...sources],
            wouldLend: [...known.wouldLend, link.hash],
            wouldLendCredit:
              credit === undefined ? known.wouldLendCredit : [...known.wouldLendCredit, link.hash],
          });
        }),
      );
      return all.reduce((known, learn) => learn(known), progress);
    },
  };
};

/**
 * Requests the status of every held grant from its ancestors, before the account issues a grant under it, takes another grant, or reports
 * it to a reader.
 *
 * @returns whether all of them answered.
 */
export const checkAncestors = async (ledger: Ledger, requests: LeaseRequests): Promise<boolean> => {
  const needs = await ledger.submit<readonly LeaseNeed[]>((state, { now }) => {
    const all = state.held.flatMap((held) => leaseNeeds(state, held, 0n, now));
    return unstored(state, [...new Map(all.map((ask) => [ask.link.hash, ask])).values()]);
  }, []);
  // A dry run, because a real lease would hold a share, possibly in an asset that no call uses.
  const { unreachable } = await requests.rehearse(NO_PROGRESS, needs, 'eip155:0/erc20:0x');
  return unreachable === undefined;
};
