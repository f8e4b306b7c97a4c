import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';
import { rpcBatch } from '../chain/json-rpc.ts';
import { blockQuery } from '../chain/query.ts';
import { tellDifferences } from './alert.ts';
import { GRACE, type Site } from './examine.ts';
import { type Cursor, forgetOld, loadCursor, openBlocks, saveCursor } from './store.ts';
import { goOver, MAX_SPAN, recheck, type ReconcileDeps, type Walk } from './walk.ts';
import { blockAt, timeOf } from './window.ts';

/** Windows of one run and network, refused ones included: the cursor makes the next run go on. */
const WINDOWS = 50;
/** Of them, those for blocks that were never compared, while the last days are compared again, too. */
const FIRST_WINDOWS = 35;
const DAY: Seconds = 86_400;
/** How old blocks may become that the node does not give, before an alert. */
const BEHIND: Seconds = 6 * 3_600;

/**
 * Compares ledger and chain, network by network, up to what is deep and old enough (law 5): what was seen to differ, new blocks, and
 * once a day the last days again, so that what came late or was reorganised away is found. Bounded work; a run that is cut off loses
 * nothing, because each window is kept with its cursor in one transaction.
 */
export const reconcile = async (deps: ReconcileDeps, now: Seconds): Promise<void> => {
  for (const site of deps.sites) {
    try {
      await sweep(deps, site, now);
    } catch (cause) {
      // One network's trouble is not another's.
      console.error({ event: 'reconcile_failed', network: site.network, cause: String(cause) });
    }
  }
};

const sweep = async (deps: ReconcileDeps, site: Site, now: Seconds): Promise<void> => {
  const { db } = deps;
  const { network } = site;
  const head = await headOf(site);
  if (head === undefined) {
    console.error({ event: 'reconcile_failed', network, cause: 'the node does not say its head' });
    return;
  }
  const deep = head - Math.max(site.confirmations - 1, site.depth);
  const cursor = await cursorOf(db, site, deep, now);
  const end = cursor && (await blockAt(site.urls, now - GRACE, cursor.next - 1, deep));
  if (cursor === undefined || end === undefined) {
    console.error({ event: 'reconcile_failed', network, cause: 'the node gives no blocks' });
    return;
  }
  // Before any window: a run that is cut off each time would tell nothing of what earlier ones have seen.
  await tell(deps, network, now);
  const walk: Walk = { deps, site, now, cursor, windows: 0 };
  for (const block of await openBlocks(db, network, now)) {
    // Deep enough once; a deeper reorganisation may have shortened the chain since.
    if (block <= deep) await recheck(walk, block);
  }
  const isAgain = walk.cursor.again !== undefined;
  const ended = await goOver(walk, 'new', end, isAgain ? FIRST_WINDOWS : WINDOWS);
  if (ended === 'stopped') await tellBehind(walk);
  const { again } = walk.cursor;
  if (again !== undefined) await goOver(walk, 'again', Math.min(again.to, deep), WINDOWS);
  await tell(deps, network, now);
};

/**
 * A node that says its head and gives no transfers, because it is busy, cut off by its quota, or answers a large block with a page of its
 * proxy, is waited for without end: nobody knows what those blocks hold. So somebody must hear of it, once a day.
 */
const tellBehind = async (walk: Walk): Promise<void> => {
  const { deps, site, now, cursor } = walk;
  const { network, urls } = site;
  const { next, behindAt } = cursor;
  const day = Math.floor(now / DAY) * DAY;
  if (behindAt !== undefined && behindAt >= day) return;
  const made = await timeOf(urls, next);
  if (made === undefined || now < made + BEHIND) return;
  console.error({ event: 'reconcile_behind', network, block: next });
  const detail = { network, kind: 'behind', block: next, at: day };
  // Told when it was heard: what could not be raised is raised by the next run.
  if (!(await deps.raise({ rule: 'reconciliation', detail }))) return;
  walk.cursor = { ...cursor, behindAt: now };
  await saveCursor(deps.db, walk.cursor).run();
};

const tell = async (
  { db, raise }: ReconcileDeps,
  network: Network,
  now: Seconds,
): Promise<void> => {
  const told = await tellDifferences(db, network, raise, now);
  if (told > 0) console.warn({ event: 'differences_told', network, told });
};

const headOf = async ({ urls }: Site): Promise<number | undefined> => {
  const question = blockQuery('latest');
  const answers = await rpcBatch(urls, question.calls);
  return answers.ok ? question.read(answers.value)?.number : undefined;
};

/** Where a network's sweep goes on. The first one of all, and one of each day, begins so many days ago. */
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
