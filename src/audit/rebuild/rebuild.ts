import type { Seconds } from '../../core/clock.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { compareAccount, compareShared } from './compare-rows.ts';
import { compareObject, nextObject } from './compare-object.ts';
import {
  ARE_ALL_COMPARABLE,
  BEHIND,
  beginRebuild,
  HAS_FAULTS,
  isComparable,
  isLostStep,
  loadRebuild,
  type RebuildState,
  projectedHead,
  takeStep,
} from './rebuild-state.ts';
import { projectAccount } from './project-account.ts';

/** After this long without a step, another operator may take over. */
const ABANDONED: Seconds = 300;
/** Steps and entries of one request, at most: a Worker has 30 seconds of CPU and a thousand requests to D1. */
const MOST = { steps: 40, entries: 4_000 } as const;
/** Rows that one statement deletes. */
const EMPTIED = 5_000;

export type RebuildDeps = {
  readonly db: D1Database;
  /** The bucket with the entries and calls that D1 has forgotten. */
  readonly bucket: R2Bucket | undefined;
};

/** A request to take steps of a rebuild. It begins a rebuild, or continues one. */
export type RebuildRequest = {
  /** The id of the rebuild to continue, or of the new one. */
  readonly run: string;
  readonly begins: boolean;
  readonly signer: string;
  readonly apply: 0 | 1;
};

export type Advanced =
  | { readonly state: 'running' | 'ended'; readonly rebuild: RebuildState }
  /** Another rebuild is running, or has begun since. */
  | { readonly state: 'busy'; readonly rebuild: RebuildState };

/**
 * Takes the next steps of a rebuild of a paused gateway. Each step is one transaction, so a request that dies loses no step, and a repeated
 * request continues after it. Running calls and commands still write entries: if a comparison lacks some, the rebuild returns to the
 * projection.
 *
 * @throws ArchiveUnavailable if R2 does not answer; Error if D1 does not
 */
export const advanceRebuild = async (
  deps: RebuildDeps,
  { run, begins, signer, apply }: RebuildRequest,
  now: Seconds,
  most: { readonly [limit in keyof typeof MOST]?: number } = {},
): Promise<Advanced> => {
  const { db } = deps;
  const limits = { ...MOST, ...most };
  const known = await loadRebuild(db);
  const isFree = known === undefined || known.phase === 'ended' || known.at + ABANDONED < now;
  if (begins && isFree) await beginRebuild(db, { run, signer, apply }, known, now);
  let entries = 0;
  for (let step = 0; ; step += 1) {
    const rebuild = await loadRebuild(db);
    if (rebuild === undefined || rebuild.run !== run)
      return { state: 'busy', rebuild: rebuild ?? gone(run, signer, now) };
    if (rebuild.phase === 'ended') return { state: 'ended', rebuild };
    if (step >= limits.steps || entries >= limits.entries) return { state: 'running', rebuild };
    try {
      entries += await takeNextStep(deps, rebuild, now);
    } catch (thrown) {
      // Another request took this step, or the gateway stored entries: read the state again.
      if (!isLostStep(thrown)) throw thrown;
    }
  }
};

/** D1 does not know this rebuild, because D1 was restored to an earlier time. */
const gone = (run: string, signer: string, now: Seconds): RebuildState => ({
  ...{ run, signer, began_at: now, at: now, step: 0, phase: 'ended', account: '', apply: 0 },
});

/** @returns how many entries it projected */
const takeNextStep = async (
  deps: RebuildDeps,
  state: RebuildState,
  now: Seconds,
): Promise<number> => {
  const { db, bucket } = deps;
  const go = async (phase: RebuildState['phase']): Promise<number> => {
    await db.batch([takeStep(db, state, { phase, account: '' }, now)]);
    return 0;
  };
  const { phase } = state;
  switch (phase) {
    case 'empty':
      await empty(db, state, [...COPIES, ...RESULTS], 'project', now);
      return 0;
    case 'project': {
      const account = await nextAccount(db, LOGGED, state.account);
      if (account === undefined) return await go('archived');
      return await projectAccount(db, bucket, state, { account, done: { phase, account } }, now);
    }
    case 'archived': {
      const object = await nextObject(db);
      if (object === undefined) return await go((await holds(db, OBJECTS)) ? 'clean' : 'compare');
      await compareObject(db, bucket, state, object, now);
      return 0;
    }
    case 'compare': {
      const account = await nextAccount(db, [...LOGGED, ...LISTED], state.account);
      if (account === undefined)
        return await go((await holds(db, HAS_FAULTS)) ? 'clean' : 'shared');
      const { fault } = await projectedHead(db, account);
      if (fault !== null) await db.batch([takeStep(db, state, { phase, account }, now)]);
      else if (await holds(db, isComparable('?1'), account))
        await compareAccount(db, state, account, now);
      else return await catchUp(deps, state, account, now);
      return 0;
    }
    case 'shared': {
      if (await holds(db, ARE_ALL_COMPARABLE)) {
        await compareShared(db, state, now);
        return 0;
      }
      const behind = await db.prepare(`${BEHIND} LIMIT 1`).first<AccountId>('account');
      return await catchUp(deps, state, behind ?? undefined, now);
    }
    case 'clean':
      await empty(db, state, COPIES, 'ended', now);
      return 0;
    case 'ended':
      return 0;
  }
};

/**
 * Reads what was stored since an account was projected, and keeps the place of the comparison: a paused gateway still stores entries, e.g. of
 * settlements, and a comparison that began anew after each of them would not end.
 *
 * @returns how many entries it projected
 */
const catchUp = async (
  { db, bucket }: RebuildDeps,
  state: RebuildState,
  account: AccountId | undefined,
  now: Seconds,
): Promise<number> => {
  const object = await nextObject(db);
  if (object !== undefined) await compareObject(db, bucket, state, object, now);
  else if (account !== undefined)
    return await projectAccount(db, bucket, state, { account, done: state }, now);
  return 0;
};

const OBJECTS = 'EXISTS (SELECT 1 FROM rebuild_objects WHERE missing = 1)';

const holds = async (
  db: D1Database,
  condition: string,
  ...bound: readonly string[]
): Promise<boolean> =>
  (await db
    .prepare(`SELECT ${condition} AS found`)
    .bind(...bound)
    .first<number>('found')) === 1;

/** Tables with the log of each account, and tables with rows of it. */
const LOGGED = ['chunks', 'archived_ranges', 'archived'].map(
  (table) => [table, 'account'] as const,
);
const LISTED = [
  ['calls', 'account'],
  ['approvals', 'account'],
  ['accounts', 'account'],
  ['spend', 'scope'],
  ['charge_changes', 'account'],
] as const;

/** The first account after another one that any of these tables has. */
const nextAccount = async (
  db: D1Database,
  tables: readonly (readonly [table: string, column: string])[],
  after: string,
): Promise<AccountId | undefined> => {
  // Not a compound SELECT: D1 accepts five terms.
  const each = tables.map(
    ([table, column]) => `(SELECT min(${column}) FROM ${table} WHERE ${column} > ?1)`,
  );
  return (
    (await db
      .prepare(`SELECT min(value) AS account FROM json_each(json_array(${each.join(', ')}))`)
      // The scope of all accounts sorts before every account.
      .bind(after === '' ? '*' : after)
      .first<AccountId | null>('account')) ?? undefined
  );
};

/** The copies of the projections, with their keys. */
const COPIES = [
  ['rebuild_calls', 'accepted_at, account, call'],
  ['rebuild_spend', 'scope, kind, day, asset, tool, payee, above, rule'],
  ['rebuild_approvals', 'account, call'],
  ['rebuild_accounts', 'account'],
  ['rebuild_charge_changes', 'account, seq'],
  ['rebuild_kin', 'ancestor, account'],
  ['rebuild_credit_movements', 'day, asset, line'],
] as const;

/** The tables behind the report of a rebuild, which stay until the next one. */
const RESULTS = [
  ['rebuild_heads', 'account'],
  ['rebuild_objects', 'day, part'],
  ['rebuild_differences', 'name, place'],
] as const;

/** Deletes rows of tables, a limited number at a time, and starts the next phase once none is left. */
const empty = async (
  db: D1Database,
  state: RebuildState,
  tables: readonly (readonly [table: string, key: string])[],
  next: RebuildState['phase'],
  now: Seconds,
): Promise<void> => {
  const left = tables.map(([table]) => `(SELECT count(*) FROM (SELECT 1 FROM ${table} LIMIT 1))`);
  const rows = await db.prepare(`SELECT ${left.join(' + ')} AS n`).first<number>('n');
  await db.batch([
    takeStep(db, state, rows === 0 ? { phase: next, account: '' } : state, now),
    ...tables.map(([table, key]) =>
      db.prepare(
        `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} LIMIT ${EMPTIED})`,
      ),
    ),
  ]);
};
