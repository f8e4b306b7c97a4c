import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Row } from '../codec.ts';
import type { LeaseRow } from './lessor.ts';
import { TREE_TABLES } from '../tables.ts';
import {
  decodeHeld,
  decodeIssued,
  decodeLease,
  encodeHeld,
  encodeIssued,
  encodeLease,
} from './tree-codec.ts';
import type { HeldGrant, IssuedGrant } from './tree.ts';

type Run = (query: string, ...bindings: SqlStorageValue[]) => Row[];

/** How often that is looked at: it reads every grant. */
const PRUNE_PAUSE: Seconds = 86_400;

/** A grant that has run out is forgotten this long afterwards: nobody can use or register it again. */
const FORGET_AFTER: Seconds = 30 * 86_400;

/** What one commit writes of the tree. */
export type TreeBatch = {
  readonly leases: Iterable<LeaseRow>;
  readonly issued: Iterable<IssuedGrant>;
  readonly held: Iterable<HeldGrant>;
  readonly revoked: Iterable<Hex>;
  readonly dropped: Iterable<Hex>;
};

/** Who is below: a page of issued grants, each with what its delegate holds. */
export type ChildRow = { readonly issued: IssuedGrant; readonly lease: LeaseRow | undefined };

/** The part of an account's storage that knows its tree. Nothing here reads all who are below at once. */
export type TreeStorage = {
  loadHeld(): HeldGrant[];
  loadLease(child: AccountId, issued: Hex): LeaseRow | undefined;
  loadIssued(hash: Hex): IssuedGrant | undefined;
  loadIssuedById(id: Hex): IssuedGrant | undefined;
  isRevoked(id: Hex): boolean;
  ownsOthers(): boolean;
  issuedCount(): number;
  /** Who may still decide for this account: child and until when. */
  loadLessees(now: Seconds): readonly (readonly [child: AccountId, issued: Hex, until: Seconds])[];
  /** Those with live leases by grants that are not live any more, or by any. */
  liveLeases(now: Seconds): LeaseRow[];
  /** Those who may have something to give back, most first. */
  recallable(now: Seconds, limit: number): LeaseRow[];
  loadChildren(after: Hex | undefined, limit: number): ChildRow[];
  writeTree(batch: TreeBatch): void;
  pruneTree(now: Seconds): void;
};

export const lesseeKey = ({ child, issued }: Pick<LeaseRow, 'child' | 'issued'>): string =>
  `${child} ${issued}`;

export const openTreeStorage = (run: Run, hasTable: (name: string) => boolean): TreeStorage => {
  let made: boolean | undefined;
  let prunedAt = 0;
  const has = (): boolean => (made = made === true || hasTable('grants'));
  const one = <T>(decode: (row: Row) => T, query: string, ...bindings: string[]): T | undefined => {
    const row = has() ? run(query, ...bindings)[0] : undefined;
    return row === undefined ? undefined : decode(row);
  };
  const many = <T>(decode: (row: Row) => T, query: string, ...bindings: SqlStorageValue[]): T[] =>
    has() ? run(query, ...bindings).map(decode) : [];

  return {
    loadHeld: () =>
      many(decodeHeld, `SELECT * FROM grants WHERE side = 'held' ORDER BY registered_at, hash`),
    loadLease: (child, issued) =>
      one(decodeLease, 'SELECT * FROM leases WHERE child = ? AND issued = ?', child, issued),
    loadIssued: (hash) =>
      one(decodeIssued, `SELECT * FROM grants WHERE hash = ? AND side = 'issued'`, hash),
    loadIssuedById: (id) =>
      one(decodeIssued, `SELECT * FROM grants WHERE id = ? AND side = 'issued'`, id),
    isRevoked: (id) => one(() => true, 'SELECT 1 FROM revoked WHERE id = ?', id) === true,
    ownsOthers: () =>
      one(() => true, `SELECT 1 FROM grants WHERE side = 'issued' AND is_root = 1 LIMIT 1`) ===
      true,
    issuedCount: () =>
      one(
        (row) => Number(row.count),
        `SELECT count(*) AS count FROM grants WHERE side = 'issued'`,
      ) ?? 0,
    loadLessees: (now) =>
      many(
        ({ child, issued, until }) => [child as AccountId, issued as Hex, until as number] as const,
        'SELECT child, issued, until FROM leases WHERE until > ?',
        now,
      ),
    liveLeases: (now) => many(decodeLease, 'SELECT * FROM leases WHERE until > ?', now),
    recallable: (now, limit) =>
      many(
        decodeLease,
        `SELECT * FROM leases WHERE loose > 0 AND good_until > ?
         ORDER BY unused DESC, loose DESC LIMIT ?`,
        now,
        limit,
      ),
    loadChildren: (after, limit) =>
      many(
        (row) => ({
          issued: decodeIssued(row),
          lease: row.child === null ? undefined : decodeLease({ ...row, issued: row.hash ?? null }),
        }),
        // A delegate's own lease only: those below it are its own children.
        `SELECT g.hash, g.status, g.registered_at, g.content, l.child, l.asset, l.until, l.shares FROM grants g
         LEFT JOIN leases l ON l.issued = g.hash AND l.child = json_extract(g.content, '$.child')
         WHERE g.hash > ? AND g.side = 'issued' ORDER BY g.hash LIMIT ?`,
        after ?? '',
        limit,
      ),
    writeTree({ leases, issued, held, revoked, dropped }) {
      const all = [
        ...[...held].map((each) => ['grants', encodeHeld(each)] as const),
        ...[...issued].map((each) => ['grants', encodeIssued(each)] as const),
        ...[...leases].map((each) => ['leases', encodeLease(each)] as const),
        ...[...revoked].map((id) => ['revoked', [id]] as const),
      ];
      if (all.length > 0 && !has()) run(TREE_TABLES);
      for (const [table, values] of all) {
        made = true;
        run(
          `INSERT OR REPLACE INTO ${table} VALUES (${values.map(() => '?').join(', ')})`,
          ...values,
        );
      }
      for (const hash of dropped) run('DELETE FROM grants WHERE hash = ?', hash);
    },
    pruneTree(now) {
      if (now < prunedAt + PRUNE_PAUSE || !has()) return;
      prunedAt = now;
      run(`DELETE FROM grants WHERE side = 'issued' AND valid_until <= ?`, now - FORGET_AFTER);
      // What could still come back is waited for: it is counted until it does.
      run(
        'DELETE FROM leases WHERE issued NOT IN (SELECT hash FROM grants) AND (loose = 0 OR good_until <= ?)',
        now,
      );
    },
  };
};
