import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AlertBody } from '../../protocol/alert.ts';
import type { Rechecked } from '../../protocol/account/rpc.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { type Blocks, chunks } from './blocks.ts';
import { NOTHING, plus } from './compare.ts';
import {
  type Cursor,
  type Run,
  type RunKind,
  type RunState,
  saveCursor,
  saveRun,
} from './cursor.ts';
import type { Difference } from './difference.ts';
import { saveFindings, saveRechecked } from './difference-table.ts';
import { type Examined, examine, type Site } from './examine.ts';
import type { WindowFault } from './window.ts';

export type ReconcileDeps = {
  readonly db: D1Database;
  readonly sites: readonly Site[];
  /** Returns the account's object. */
  readonly account: (id: AccountId) => { recheck(calls: readonly Hex[]): Promise<Rechecked> };
  /** Raises an alert of the gateway's own account; false if it must be tried again. */
  readonly raise: (alert: AlertBody) => Promise<boolean>;
};

/** Blocks of one window, at most: strict nodes allow this many. */
export const MAX_SPAN = 2_000;
/** How long a node may refuse a block before the block is skipped. */
const STUCK: Seconds = 6 * 3_600;
/**
 * For this long afterwards, further refused blocks are skipped at once, so that an attacker who fills many blocks does not gain hours with
 * each.
 */
const SKIPPING: Seconds = 86_400;

/** A run over one network. */
export type Walk = {
  readonly deps: ReconcileDeps;
  readonly site: Site;
  readonly now: Seconds;
  cursor: Cursor;
  /** Windows requested from the node, refused ones included. */
  windows: number;
};

/** Compares a block with open differences again. */
export const recheckBlock = async (walk: Walk, block: number): Promise<void> => {
  const { deps, site, now } = walk;
  walk.windows += 1;
  const blocks = { from: block, to: block };
  const examined = await examine(deps.db, site, blocks);
  await deps.db.batch([
    ...(examined.ok ? saveFindings(deps.db, site.network, blocks, examined.value, now) : []),
    // Continue after a failure too: a block that the node always refuses must not block the others.
    saveRechecked(deps.db, site.network, block, now),
  ]);
  if (!examined.ok) return;
  await requestRechecks(deps, examined.value.differences);
};

/**
 * Compares blocks window by window, up to `end`, until `most` windows of the run are used up, or until the node fails.
 *
 * @returns how it ended; undefined if there was nothing to compare.
 */
export const compareBlocks = async (
  walk: Walk,
  kind: RunKind,
  end: number,
  most: number,
): Promise<RunState | undefined> => {
  const { deps, site, now } = walk;
  let run = emptyRun(walk, kind);
  let isWhole = true;
  let blocks = windowFrom(walk.cursor, kind, end);
  if (blocks === undefined) return undefined;
  while (blocks !== undefined && walk.windows < most && run.state !== 'stopped') {
    walk.windows += 1;
    const examined = await examine(deps.db, site, blocks);
    const size = blocks.to - blocks.from + 1;
    if (!examined.ok && examined.error === 'refused' && size > 1) {
      walk.cursor = { ...walk.cursor, span: Math.floor(size / 2) };
    } else if (examined.ok || (await maySkip(walk, kind, blocks.from, examined.error))) {
      const next = advanced(walk.cursor, kind, blocks.to, end);
      const { stuckAt, ...rest } = next;
      // Only new blocks reset the clock, whatever the daily comparison has read meanwhile.
      const isFree = kind === 'new' && examined.ok && !isUsedUp(stuckAt, now);
      walk.cursor = isFree ? rest : next;
      isWhole &&= examined.ok;
      run = added(run, examined.ok ? examined.value : UNREAD, blocks.to);
      // A run that skipped a block has not compared everything.
      if (isWhole && windowFrom(walk.cursor, kind, end) === undefined) {
        run = { ...run, state: 'complete' };
      }
      await deps.db.batch([
        ...(examined.ok ? saveFindings(deps.db, site.network, blocks, examined.value, now) : []),
        saveCursor(deps.db, walk.cursor),
        saveRun(deps.db, run),
      ]);
      if (examined.ok) await requestRechecks(deps, examined.value.differences);
    } else {
      run = { ...run, state: 'stopped' };
      if (kind === 'new' && !examined.ok && examined.error === 'refused') {
        const { stuckAt } = walk.cursor;
        const isRunning = stuckAt !== undefined && now - stuckAt < STUCK + SKIPPING;
        walk.cursor = { ...walk.cursor, stuckAt: isRunning ? stuckAt : now };
      }
      await deps.db.batch([saveCursor(deps.db, walk.cursor), saveRun(deps.db, run)]);
    }
    blocks = windowFrom(walk.cursor, kind, end);
  }
  logRun(run, walk.windows);
  return run.state;
};

/** Calls of one account in one request. */
const RECHECKS = 50;

/**
 * Makes accounts recheck their payments that moved and are not settled there. Payments that no account has accepted are left out: anyone
 * can make any number of them. Only an account concludes the outcome of its payments (law 5). The next run retries an account that does not
 * answer.
 */
const requestRechecks = async (
  { account: accountOf }: Pick<ReconcileDeps, 'account'>,
  differences: readonly Difference[],
): Promise<void> => {
  const unrecorded = differences.filter(
    ({ kind, informational }) => kind === 'unrecorded' && !informational,
  );
  const accounts = Map.groupBy(unrecorded, ({ account }) => account);
  for (const [account, own] of accounts) {
    const calls = own.flatMap(({ call }) => call ?? []);
    for (const some of chunks(calls, RECHECKS)) {
      try {
        const rechecked = await accountOf(account).recheck(some);
        if (rechecked.verdict === 'rechecking' && rechecked.calls.length > 0) {
          console.warn({ event: 'payments_rechecked', account, calls: rechecked.calls.length });
        }
      } catch (cause) {
        console.error({ event: 'recheck_failed', account, cause: String(cause) });
      }
    }
  }
};

/**
 * Whether a single block that the node does not return is skipped: of new blocks after some hours and with an alert, of the last days at
 * once.
 *
 * Attack: anyone can fill a block with more transfers of dust to us than a node returns at once. Waiting for that block forever would end
 * the reconciliation.
 */
const maySkip = async (
  { deps, site, cursor, now }: Walk,
  kind: RunKind,
  block: number,
  fault: WindowFault,
): Promise<boolean> => {
  if (fault === 'unreachable') return false;
  if (kind === 'new' && !isUsedUp(cursor.stuckAt, now)) return false;
  const { network } = site;
  console.error({ event: 'block_not_compared', network, block });
  if (kind === 'again') return true;
  return deps.raise({ rule: 'reconciliation', detail: { network, kind: 'unreadable', block } });
};

/** Whether the wait for the node has ended, and so recently that it concerns the same blocks. */
const isUsedUp = (stuckAt: Seconds | undefined, now: Seconds): boolean =>
  stuckAt !== undefined && now - stuckAt >= STUCK && now - stuckAt < STUCK + SKIPPING;

const nextOf = ({ next, again }: Cursor, kind: RunKind): number =>
  kind === 'new' ? next : (again?.next ?? Infinity);

/** The next window; undefined if all blocks are compared. */
const windowFrom = (cursor: Cursor, kind: RunKind, end: number): Blocks | undefined => {
  const from = nextOf(cursor, kind);
  return from > end ? undefined : { from, to: Math.min(end, from + cursor.span - 1) };
};

/** After a window that the node returned, the next one is twice as large, up to `MAX_SPAN`. */
const advanced = (cursor: Cursor, kind: RunKind, to: number, end: number): Cursor => {
  const span = Math.min(MAX_SPAN, cursor.span * 2);
  if (kind === 'new') return { ...cursor, span, next: to + 1 };
  const { again, ...rest } = cursor;
  return to >= end || again === undefined
    ? { ...rest, span }
    : { ...rest, span, again: { ...again, next: to + 1 } };
};

const emptyRun = ({ site, now, cursor }: Walk, kind: RunKind): Run => ({
  ...{ at: now, network: site.network, kind, state: 'partial' },
  ...{ from: nextOf(cursor, kind), to: nextOf(cursor, kind) },
  ...{ chain: NOTHING, ledger: NOTHING, differences: 0 },
});

const UNREAD: Pick<Examined, 'chain' | 'ledger' | 'found'> = {
  ...{ chain: NOTHING, ledger: NOTHING, found: 0 },
};

const added = (run: Run, { chain, ledger, found }: typeof UNREAD, to: number): Run => ({
  ...run,
  to,
  chain: plus(run.chain, chain),
  ledger: plus(run.ledger, ledger),
  differences: run.differences + found,
});

const logRun = (run: Run, windows: number): void => {
  const { chain, ledger, ...rest } = run;
  const level = run.state === 'stopped' || run.differences > 0 ? 'warn' : 'log';
  console[level]({
    event: 'reconciled',
    ...rest,
    windows,
    chain_payments: chain.payments,
    chain_amount: chain.amount.toString(),
    ledger_payments: ledger.payments,
    ledger_amount: ledger.amount.toString(),
  });
};
