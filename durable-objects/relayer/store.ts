import type { Hex } from '../../src/core/hex.ts';
import type { Pending } from '../../src/settlement/relayer/pending.ts';
import {
  countersRow,
  flightRow,
  pendingRow,
  readCounters,
  readFlight,
  readPending,
  readReport,
  reportRow,
  type Row,
} from './codec.ts';
import { type Counters, type FlightRecord, noCounters, type ReportRecord } from './record.ts';
import { STORAGE_VERSION, TABLES } from './tables.ts';

/** Everything that is written at once. */
export type Change = {
  readonly pending?: readonly Pending[];
  readonly ended?: readonly string[];
  readonly flight?: FlightRecord;
  /** Nonces whose transaction is final or can never be mined. */
  readonly landed?: readonly number[];
  readonly report?: ReportRecord;
  /** Hashes of transactions of which everybody has been told. */
  readonly reported?: readonly Hex[];
  readonly counters?: Counters;
};

export type Stored = {
  readonly pending: readonly Pending[];
  readonly flights: readonly FlightRecord[];
  readonly reports: readonly ReportRecord[];
  readonly counters: Counters;
};

/** The relayer's SQLite. Makes its tables with the first payment that is taken. */
export type Store = {
  load(): Stored;
  /** All of it or nothing. */
  write(change: Change): void;
  /** Rows written since the object woke, those of alarms included. */
  rowsWritten(): number;
  countAlarm(): void;
};

export const openStore = (storage: DurableObjectStorage): Store => {
  let rows = 0;
  let made: boolean | undefined;

  const run = (query: string, ...bindings: SqlStorageValue[]): Row[] => {
    const cursor = storage.sql.exec<Row>(query, ...bindings);
    const result = cursor.toArray();
    rows += cursor.rowsWritten;
    return result;
  };
  const exists = (): boolean =>
    (made ??=
      run(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'pending'`).length > 0);

  return {
    load() {
      made = undefined;
      if (!exists()) return { pending: [], flights: [], reports: [], counters: noCounters };
      const [counters] = run('SELECT * FROM counters');
      return {
        pending: run('SELECT * FROM pending').map(readPending),
        flights: run('SELECT * FROM flights ORDER BY nonce').map(readFlight),
        reports: run('SELECT * FROM reports').map(readReport),
        counters: counters === undefined ? noCounters : readCounters(counters),
      };
    },
    write(change) {
      storage.transactionSync(() => {
        if (!exists()) run(TABLES);
        for (const one of change.pending ?? []) {
          run(`INSERT OR REPLACE INTO pending VALUES (${marks(14)})`, ...pendingRow(one));
        }
        for (const key of change.ended ?? []) run('DELETE FROM pending WHERE key = ?', key);
        if (change.flight !== undefined) {
          run(`INSERT OR REPLACE INTO flights VALUES (${marks(4)})`, ...flightRow(change.flight));
        }
        for (const nonce of change.landed ?? []) run('DELETE FROM flights WHERE nonce = ?', nonce);
        if (change.report !== undefined) {
          run(`INSERT OR REPLACE INTO reports VALUES (${marks(7)})`, ...reportRow(change.report));
        }
        for (const hash of change.reported ?? []) run('DELETE FROM reports WHERE hash = ?', hash);
        if (change.counters !== undefined) {
          run(
            `INSERT OR REPLACE INTO counters VALUES (1, ${STORAGE_VERSION}, ${marks(9)})`,
            ...countersRow(change.counters),
          );
        }
      });
      made = true;
    },
    rowsWritten: () => rows,
    countAlarm() {
      rows += 1;
    },
  };
};

const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ');
