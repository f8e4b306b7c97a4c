import type { Seconds } from '../../core/clock.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { type ComparedTable, COMPARED, corrections, rowsOnlyIn } from './compared-tables.ts';
import {
  ARE_ALL_COMPARABLE,
  HAS_FAULTS,
  isComparable,
  type RebuildState,
  takeStep,
} from './rebuild-state.ts';

/** A row of a projection, by column. */
export type ProjectedRow = Readonly<Record<string, unknown>>;

/** A row that differs between a projection and its rebuilt version. */
export type RowDifference = {
  readonly name: string;
  /** The values of the key's columns. */
  readonly place: readonly unknown[];
  readonly stored?: ProjectedRow | undefined;
  readonly rebuilt?: ProjectedRow | undefined;
};

/** The most differing rows of a table that one step records. All of them are corrected. */
const RECORDED = 100;

/**
 * Compares the rows of one account and records what differs, in one transaction that fails if the gateway stored entries meanwhile. Corrects
 * the rows if the rebuild applies and every entry of every account could be read.
 */
export const compareAccount = async (
  db: D1Database,
  state: RebuildState,
  account: AccountId,
  now: Seconds,
): Promise<void> => {
  const only = { sql: isComparable('?6'), bound: [account] };
  await compare(
    db,
    takeStep(db, state, { phase: 'compare', account }, now, only),
    state,
    COMPARED.flatMap((table) => (table.own === undefined ? [] : [[table, table.own] as const])),
    [account],
  );
};

/** Compares the rows to which several accounts add, as `compareAccount` does: nothing may be stored meanwhile for any account. */
export const compareShared = async (
  db: D1Database,
  state: RebuildState,
  now: Seconds,
): Promise<void> => {
  const only = { sql: ARE_ALL_COMPARABLE, bound: [] };
  await compare(
    db,
    takeStep(db, state, { phase: 'clean', account: '' }, now, only),
    state,
    COMPARED.flatMap((table) =>
      table.shared === undefined ? [] : [[table, table.shared] as const],
    ),
    [],
  );
};

const compare = async (
  db: D1Database,
  guard: D1PreparedStatement,
  state: RebuildState,
  tables: readonly (readonly [ComparedTable, string])[],
  bound: readonly unknown[],
): Promise<void> => {
  const read = tables.flatMap(([{ name }, where]) => [
    db.prepare(`${rowsOnlyIn(name, `rebuild_${name}`, where)} LIMIT ${RECORDED}`).bind(...bound),
    db.prepare(`${rowsOnlyIn(`rebuild_${name}`, name, where)} LIMIT ${RECORDED}`).bind(...bound),
  ]);
  const results = await db.batch<ProjectedRow>(read);
  const differences = tables.flatMap(([table], at) =>
    pairsOf(table, results[2 * at]?.results ?? [], results[2 * at + 1]?.results ?? []),
  );
  const faults = await db.prepare(`SELECT ${HAS_FAULTS} AS found`).first<number>('found');
  const corrects = state.apply === 1 && faults === 0 && differences.length > 0;
  await db.batch([
    guard,
    ...record(db, differences),
    ...(corrects
      ? tables.flatMap(([table, where]) =>
          corrections(table, where).map((sql) => db.prepare(sql).bind(...bound)),
        )
      : []),
  ]);
};

const pairsOf = (
  { name, key }: ComparedTable,
  stored: readonly ProjectedRow[],
  rebuilt: readonly ProjectedRow[],
): readonly RowDifference[] => {
  const placeOf = (row: ProjectedRow) => key.map((column) => row[column]);
  const found = new Map<string, RowDifference>();
  const keyed = (row: ProjectedRow) => JSON.stringify(placeOf(row));
  for (const row of stored) found.set(keyed(row), { name, place: placeOf(row), stored: row });
  for (const row of rebuilt) {
    found.set(keyed(row), {
      ...(found.get(keyed(row)) ?? { name, place: placeOf(row) }),
      rebuilt: row,
    });
  }
  return [...found.values()];
};

/** The statement that records differences; none without one. */
export const record = (
  db: D1Database,
  differences: readonly RowDifference[],
): readonly D1PreparedStatement[] =>
  differences.length === 0
    ? []
    : [
        db
          .prepare(RECORD)
          .bind(
            JSON.stringify(
              differences.map(({ name, place, stored, rebuilt }) => [
                ...[name, JSON.stringify(place)],
                stored === undefined ? null : JSON.stringify(stored),
                rebuilt === undefined ? null : JSON.stringify(rebuilt),
              ]),
            ),
          ),
      ];

const RECORD = `
INSERT OR IGNORE INTO rebuild_differences (name, place, stored, rebuilt)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1)`;
