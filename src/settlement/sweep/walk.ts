import type { Rechecked } from '../../protocol/account/rpc.ts';
import type { AlertBody } from '../../protocol/account/alert.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import { NOTHING, plus } from './compare.ts';
import { type Examined, examine, type Site } from './examine.ts';
import { mend } from './mend.ts';
import {
  type Cursor,
  type Run,
  type RunKind,
  type RunState,
  saveCursor,
  saveLooked,
  saveRun,
  saveSeen,
} from './store.ts';
import type { Blocks, WindowFault } from './window.ts';

export type ReconcileDeps = {
  readonly db: D1Database;
  readonly sites: readonly Site[];
  /** The account's object. */
  readonly account: (id: AccountId) => { recheck(calls: readonly Hex[]): Promise<Rechecked> };
  /** Raises an alert of the gateway itself; false where it must be tried again. */
  readonly raise: (alert: AlertBody) => Promise<boolean>;
};

/** Blocks of one window, at most: what even careful nodes allow. */
export const MAX_SPAN = 2_000;
/** How long a block may be refused before it is passed over. */
const STUCK: Seconds = 6 * 3_600;
/** For so long afterwards others are passed over at once: whoever spoils many blocks does not gain hours with each. */
const PASSING: Seconds = 86_400;

/** A run over one network, as far as it has come. */
export type Walk = {
  readonly deps: ReconcileDeps;
  readonly site: Site;
  readonly now: Seconds;
  cursor: Cursor;
  /** Windows that the node was asked for. */
  windows: number;
};

export const recheck = async (walk: Walk, block: number): Promise<void> => {
  const { deps, site, now } = walk;
  walk.windows += 1;
  const blocks = { from: block, to: block };
  const examined = await examine(deps.db, site, blocks);
  await deps.db.batch([
    ...(examined.ok ? saveSeen(deps.db, site.network, blocks, examined.value, now) : []),
    // Also where nothing could be told of it: what the node always refuses must not keep all others waiting.
    saveLooked(deps.db, site.network, block, now),
  ]);
  if (!examined.ok) return;
  await mend(deps, examined.value.differences);
};

/**
 * Goes over blocks window by window, up to `end`, or until `most` windows of the run are used up, or the node gives nothing.
 *
 * @returns how it ended; undefined where nothing was left to compare.
 */
export const goOver = async (
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
    } else if (examined.ok || (await mayPass(walk, kind, blocks.from, examined.error))) {
      const next = advanced(walk.cursor, kind, blocks.to, end);
      const { stuckAt, ...rest } = next;
      // The clock is that of new blocks, whatever the daily comparison was given meanwhile.
      const isFree = kind === 'new' && examined.ok && !isUsedUp(stuckAt, now);
      walk.cursor = isFree ? rest : next;
      isWhole &&= examined.ok;
      run = added(run, examined.ok ? examined.value : UNREAD, blocks.to);
      // What passed over a block has not compared all.
      if (isWhole && windowFrom(walk.cursor, kind, end) === undefined) {
        run = { ...run, state: 'complete' };
      }
      await deps.db.batch([
        ...(examined.ok ? saveSeen(deps.db, site.network, blocks, examined.value, now) : []),
        saveCursor(deps.db, walk.cursor),
        saveRun(deps.db, run),
      ]);
      if (examined.ok) await mend(deps, examined.value.differences);
    } else {
      run = { ...run, state: 'stopped' };
      if (kind === 'new' && !examined.ok && examined.error === 'refused') {
        const { stuckAt } = walk.cursor;
        const isRunning = stuckAt !== undefined && now - stuckAt < STUCK + PASSING;
        walk.cursor = { ...walk.cursor, stuckAt: isRunning ? stuckAt : now };
      }
      await deps.db.batch([saveCursor(deps.db, walk.cursor), saveRun(deps.db, run)]);
    }
    blocks = windowFrom(walk.cursor, kind, end);
  }
  logRun(run, walk.windows);
  return run.state;
};

/**
 * Whether a block is passed over that the node does not give, alone as it is. Anybody can fill one with more transfers of dust to us
 * than a node gives at once; for ever before it the sweep would find nothing more. After some hours, and not without an alert; when the
 * last days are compared again, at once.
 */
const mayPass = async (
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

/** Whether the node was waited for long enough, and not so long ago that it is another matter. */
const isUsedUp = (stuckAt: Seconds | undefined, now: Seconds): boolean =>
  stuckAt !== undefined && now - stuckAt >= STUCK && now - stuckAt < STUCK + PASSING;

const nextOf = ({ next, again }: Cursor, kind: RunKind): number =>
  kind === 'new' ? next : (again?.next ?? Infinity);

/** The blocks that come next; undefined where all are compared. */
const windowFrom = (cursor: Cursor, kind: RunKind, end: number): Blocks | undefined => {
  const from = nextOf(cursor, kind);
  return from > end ? undefined : { from, to: Math.min(end, from + cursor.span - 1) };
};

/** A node that has given a window is asked for twice as much, up to `MAX_SPAN`. */
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
