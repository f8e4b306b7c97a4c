import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';
import { rpcBatch } from '../chain/json-rpc.ts';
import { blockQuery } from '../chain/query.ts';
import { blockAt, timeOf } from './blocks.ts';
import { type Cursor, forgetOld, loadCursor, saveCursor } from './cursor.ts';
import { alertDifferences, openBlocks } from './difference-table.ts';
import { GRACE, type Site } from './examine.ts';
import { compareBlocks, MAX_SPAN, recheckBlock, type ReconcileDeps, type Walk } from './walk.ts';

/** Windows of one run and network, refused ones included: the next run continues at the cursor. */
const WINDOWS = 50;
/** Windows for new blocks while the daily comparison runs, too. */
const FIRST_WINDOWS = 35;
const DAY: Seconds = 86_400;
/** How old a block that the node does not return may become before an alert. */
const BEHIND: Seconds = 6 * 3_600;

/**
 * Compares ledger and chain, network by network, up to blocks that are deep and old enough (law 5): known differences, new blocks, and once
 * a day the last days again, to find what arrived late or was reorganised away. The work of a run is bounded. A run that is cut off loses
 * nothing, because each window is stored with its cursor in one transaction.
 */
export const reconcile = async (deps: ReconcileDeps, now: Seconds): Promise<void> => {
  for (const site of deps.sites) {
    try {
      await reconcileSite(deps, site, now);
    } catch (cause) {
      // A failure on one network must not stop the others.
      console.error({ event: 'reconcile_failed', network: site.network, cause: String(cause) });
    }
  }
};

const reconcileSite = async (deps: ReconcileDeps, site: Site, now: Seconds): Promise<void> => {
  const { db } = deps;
  const { network } = site;
  const head = await headOf(site);
  if (head === undefined) {
    console.error({
      event: 'reconcile_failed',
      network,
      cause: 'the node does not return its head',
    });
    return;
  }
  const deep = head - Math.max(site.confirmations - 1, site.depth);
  const cursor = await cursorOf(db, site, deep, now);
  const end = cursor && (await blockAt(site.urls, now - GRACE, cursor.next - 1, deep));
  if (cursor === undefined || end === undefined) {
    console.error({ event: 'reconcile_failed', network, cause: 'the node returns no blocks' });
    return;
  }
  // Before any window, because runs that are always cut off would otherwise never raise the alerts of earlier findings.
  await alert(deps, network, now);
  const walk: Walk = { deps, site, now, cursor, windows: 0 };
  for (const block of await openBlocks(db, network, now)) {
    // The block was deep enough once; a reorganisation may have shortened the chain since.
    if (block <= deep) await recheckBlock(walk, block);
  }
  const isAgain = walk.cursor.again !== undefined;
  const ended = await compareBlocks(walk, 'new', end, isAgain ? FIRST_WINDOWS : WINDOWS);
  if (ended === 'stopped') await alertBehind(walk);
  const { again } = walk.cursor;
  if (again !== undefined) await compareBlocks(walk, 'again', Math.min(again.to, deep), WINDOWS);
  await alert(deps, network, now);
};

/**
 * Raises an alert, once a day, while the node returns its head and no transfers: it is busy, out of quota, or its proxy answers a large
 * block with an HTML page. Runs wait for such a node indefinitely, because the content of the blocks is unknown.
 */
const alertBehind = async (walk: Walk): Promise<void> => {
  const { deps, site, now, cursor } = walk;
  const { network, urls } = site;
  const { next, behindAt } = cursor;
  const day = Math.floor(now / DAY) * DAY;
  if (behindAt !== undefined && behindAt >= day) return;
  const made = await timeOf(urls, next);
  if (made === undefined || now < made + BEHIND) return;
  console.error({ event: 'reconcile_behind', network, block: next });
  const detail = { network, kind: 'behind', block: next, at: day };
  // An alert that could not be raised is raised by the next run.
  if (!(await deps.raise({ rule: 'reconciliation', detail }))) return;
  walk.cursor = { ...cursor, behindAt: now };
  await saveCursor(deps.db, walk.cursor).run();
};

const alert = async (
  { db, raise }: ReconcileDeps,
  network: Network,
  now: Seconds,
): Promise<void> => {
  const alerted = await alertDifferences(db, network, raise, now);
  if (alerted > 0) console.warn({ event: 'differences_alerted', network, alerted });
};

const headOf = async ({ urls }: Site): Promise<number | undefined> => {
  const query = blockQuery('latest');
  const answers = await rpcBatch(urls, query.calls);
  return answers.ok ? query.read(answers.value)?.number : undefined;
};

/** The cursor at which a network's run continues. The first run of all, and the first of each day, starts `days` ago. */
const cursorOf = async (
  db: D1Database,
  { network, urls, days }: Site,
  deep: number,
  now: Seconds,
): Promise<Cursor | undefined> => {
  const known = await loadCursor(db, network);
  if (known !== undefined && Math.floor(known.againAt / DAY) === Math.floor(now / DAY))
    return known;
  const before = await blockAt(urls, now - days * DAY, -1, deep);
  if (before === undefined) return known;
  if (known === undefined) {
    return { network, next: before + 1, span: MAX_SPAN, againAt: now };
  }
  await db.batch([...forgetOld(db, now)]);
  const again = { next: before + 1, to: known.next - 1 };
  return { ...known, againAt: now, ...(again.next <= again.to ? { again } : {}) };
};
