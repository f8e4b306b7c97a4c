import type { Entry } from '../../src/protocol/entry.ts';
import type { AccountId, AssetId } from '../../src/protocol/account-id.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import {
  decodeAccount,
  decodeCall,
  decodeTransfer,
  encodeAccount,
  encodeCall,
  encodeTransfer,
  type Row,
} from './codec.ts';
import { type CallRecord, isFinal, prunesAt } from './call/record.ts';
import { type AccountState, emptyAccount } from './state.ts';
import { ADDED_COLUMNS, STORAGE_VERSION, TABLES, TRANSFERS_TABLE } from './tables.ts';
import type { Transfer } from './commands/transfer.ts';
import { type IdentifierStorage, openIdentifierStorage } from './identifier-storage.ts';
import { type KeptBatch, type KeptStorage, openKeptStorage } from './kept-storage.ts';
import { openPruning } from './log/pruning.ts';
import { openTreeStorage, type TreeBatch, type TreeStorage } from './tree/tree-storage.ts';

const CALL_COLUMNS = 31;
const ACCOUNT_UPSERT = `INSERT OR REPLACE INTO account VALUES (1, ${STORAGE_VERSION}, ${marks(13)})`;
const CALL_UPSERT = `INSERT OR REPLACE INTO calls VALUES (${marks(CALL_COLUMNS)})`;
/** Without answers and entries, which are most of a row: an account wakes with what it must do, not with all it has said. */
const LIVE_CALLS = `SELECT id, state, payment, paid_by, looked, attempt, request, tool, on_silence, timeout_seconds, asset, price,
  charged, accepted_at, dispatched_at, hold_until, valid_before, since_block, identifier, transaction_hash, accepted_entry,
  finished_entry, policy, windows, held, '[]' AS entries, NULL AS answer, top_up, authority FROM calls WHERE prune_at IS NULL
  AND NOT (payment = 'released' AND looked = 0)`;
const LAST_LOOKS = `SELECT id, valid_before FROM calls WHERE prune_at IS NULL AND payment = 'released' AND looked = 0`;

/** Everything one commit writes, in one transaction. */
export type Batch = {
  readonly state: AccountState;
  readonly records: Iterable<CallRecord>;
  readonly loose: readonly Entry[];
  readonly transfers: Iterable<Transfer>;
  readonly tree: TreeBatch;
  readonly kept: KeptBatch;
};

/** The account's SQLite. `rowsWritten` counts every row billed, deletes and alarms included: rows are the bill (design §5). */
export type AccountStorage = TreeStorage &
  KeptStorage &
  Pick<IdentifierStorage, 'callNamed'> & {
    exists(): boolean;
    loadAccount(account: AccountId): AccountState;
    loadCall(id: Hex): CallRecord | undefined;
    /** Calls on which something is still due, but for those that await their last look. */
    loadLive(): CallRecord[];
    /** These: with the ends of their authorizations. */
    loadLooks(): (readonly [Hex, Seconds])[];
    loadTransfer(peer: string, asset: AssetId): Transfer | undefined;
    /** Transfers that their other side has not acknowledged. */
    loadPending(): Transfer[];
    /** Entries after `seq`, in order, at most `limit`. */
    loadEntries(after: number, limit: number): Entry[];
    write(batch: Batch): void;
    /** Deletes what nobody needs any more. @param due when the next call is known to be over. @returns when to be asked again. */
    prune(now: Seconds, exported: number, due: Seconds | undefined): Seconds | undefined;
    countAlarm(): void;
    rowsWritten(): number;
  };

export const openStorage = (storage: DurableObjectStorage): AccountStorage => {
  const { sql } = storage;
  let rows = 0;
  let made: boolean | undefined;

  const run = (query: string, ...bindings: SqlStorageValue[]): Row[] => {
    const cursor = sql.exec<Row>(query, ...bindings);
    const result = cursor.toArray();
    rows += cursor.rowsWritten;
    return result;
  };
  const hasTable = (name: string): boolean =>
    run(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`, name).length > 0;
  const exists = (): boolean => made === true || hasTable('account');
  const upgrade = (row: Row | undefined): void => {
    if (row === undefined || Number(row.version) >= STORAGE_VERSION) return;
    // Looked for one by one: an upgrade must also go on from wherever an earlier one ended.
    const missing = ADDED_COLUMNS.filter(
      ({ table, column }) =>
        run('SELECT 1 FROM pragma_table_info(?) WHERE name = ?', table, column).length === 0,
    );
    storage.transactionSync(() => {
      for (const { table, column } of missing)
        run(`ALTER TABLE ${table} ADD COLUMN ${column} TEXT`);
      run('UPDATE account SET version = ?', STORAGE_VERSION);
    });
  };
  const tree = openTreeStorage(run, hasTable);
  const kept = openKeptStorage(run, hasTable);
  const identifiers = openIdentifierStorage(run, hasTable);
  const pruneCalls = openPruning(run, identifiers.forgetDue);

  return {
    ...tree,
    ...kept,
    callNamed: identifiers.callNamed,
    exists: () => (made = exists()),
    loadAccount(account) {
      made = exists();
      const row = made ? run('SELECT * FROM account')[0] : undefined;
      upgrade(row);
      return row === undefined
        ? emptyAccount(account)
        : decodeAccount({ tree: null, ...row }, tree.loadHeld());
    },
    loadCall(id) {
      const row = exists() ? run('SELECT * FROM calls WHERE id = ?', id)[0] : undefined;
      return row === undefined ? undefined : decodeCall(row);
    },
    loadLive: () => (exists() ? run(LIVE_CALLS).map(decodeCall) : []),
    loadLooks: () =>
      exists()
        ? run(LAST_LOOKS).map((row) => [row.id as Hex, row.valid_before as number] as const)
        : [],
    loadTransfer(peer, asset) {
      if (!hasTable('transfers')) return undefined;
      const [row] = run('SELECT * FROM transfers WHERE peer = ? AND asset = ?', peer, asset);
      return row === undefined ? undefined : decodeTransfer(row);
    },
    loadPending: () =>
      hasTable('transfers')
        ? run('SELECT * FROM transfers WHERE sent > acknowledged').map(decodeTransfer)
        : [],
    loadEntries(after, limit) {
      if (!exists()) return [];
      let lowest: Entry[] = [];
      const keep = (): void => {
        lowest = lowest.toSorted((a, b) => a.seq - b.seq).slice(0, limit);
      };
      // Row by row, and no more kept than asked for: a backlog may be larger than the memory of an isolate.
      const backlog = sql.exec<{ json: string }>(
        `SELECT entries AS json FROM calls WHERE last_seq > ?1
         UNION ALL SELECT '[' || entry || ']' FROM entries WHERE seq > ?1`,
        after,
      );
      for (const { json } of backlog) {
        const entries = JSON.parse(json) as Entry[];
        lowest.push(...entries.filter(({ seq }) => seq > after));
        if (lowest.length > 2 * limit) keep();
      }
      keep();
      return lowest;
    },
    write({ state, records, loose, transfers, tree: branch, kept: managed }) {
      storage.transactionSync(() => {
        if (!exists()) run(TABLES);
        run(ACCOUNT_UPSERT, ...encodeAccount(state));
        for (const record of records) {
          const pruneAt = isFinal(record) ? prunesAt(record) : null;
          run(CALL_UPSERT, ...encodeCall(record, pruneAt));
          identifiers.writeIdentifier(record);
        }
        for (const entry of loose) {
          run('INSERT INTO entries VALUES (?, ?)', entry.seq, JSON.stringify(entry));
        }
        for (const transfer of transfers) {
          run(TRANSFERS_TABLE);
          run(
            'INSERT OR REPLACE INTO transfers VALUES (?, ?, ?, ?, ?)',
            ...encodeTransfer(transfer),
          );
        }
        tree.writeTree(branch);
        kept.writeKept(managed);
      });
      made = true;
    },
    prune(now, exported, due) {
      if (!exists()) return undefined;
      run('DELETE FROM entries WHERE seq <= ?', exported);
      tree.pruneTree(now);
      kept.pruneKept(now);
      return pruneCalls(now, exported, due);
    },
    countAlarm() {
      rows += 1;
    },
    rowsWritten: () => rows,
  };
};

function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}
