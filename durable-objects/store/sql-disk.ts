import type { Disk } from './disk.ts';
import type { AnyNoun, Key, Noun, Write } from './noun.ts';
import type { Condition, Listed, Query } from './query.ts';

type Row = Record<string, SqlStorageValue>;

/**
 * Stores nouns in the SQLite of a Durable Object, one table each: key, fields, text, detail. STRICT rejects wrong types. With WITHOUT ROWID
 * a value costs one written row instead of two. The fields precede the text: a scan that compares them reads no text.
 */
export const openSqlDisk = (storage: DurableObjectStorage): Disk => {
  const { sql } = storage;
  let rows = 0;
  /** The tables that exist. Only this disk creates tables, so it looks them up once. */
  let tables: Set<string> | undefined;

  const run = (query: string, ...bindings: SqlStorageValue[]): void => {
    const cursor = sql.exec(query, ...bindings);
    cursor.toArray();
    rows += cursor.rowsWritten;
  };
  const made = (): Set<string> =>
    (tables ??= new Set(
      [
        // The runtime keeps tables of its own in the same database: one appears when an alarm is set.
        ...sql.exec<{ name: string }>(
          `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'`,
        ),
      ].map(({ name }) => name),
    ));
  const select = function* (
    columns: string,
    { name }: { readonly name: string },
    query: Query<string> = {},
  ): Iterable<Row> {
    if (!made().has(name)) return;
    const { where = [], highest = [], limit } = query;
    const order = [...highest.map((field) => `"${field}" DESC`), 'key'].join(', ');
    yield* sql.exec<Row>(
      `SELECT ${columns} FROM "${name}"${conditions(where)} ORDER BY ${order}${limit === undefined ? '' : ' LIMIT ?'}`,
      ...where.map(([, , value]) => value),
      ...(limit === undefined ? [] : [limit]),
    );
  };

  const disk: Disk = {
    get(noun, key) {
      if (!made().has(noun.name)) return undefined;
      const [row] = sql
        .exec<Row>(`SELECT text, detail FROM "${noun.name}" WHERE key = ?`, key)
        .toArray();
      return row && decoded(noun, row);
    },
    *find(noun, query) {
      for (const row of select('text, detail', noun, query)) yield decoded(noun, row);
    },
    *brief(noun, query) {
      for (const row of select('text, NULL AS detail', noun, query)) yield decoded(noun, row);
    },
    *list<Value, Fields extends string>(noun: Noun<Value, Fields>, query?: Query<Fields>) {
      const columns = ['key', ...namesOf(noun).map((field) => `"${field}"`)].join(', ');
      for (const row of select(columns, noun, query)) yield row as unknown as Listed<Fields>;
    },
    count(noun, { where = [], limit } = {}) {
      if (!made().has(noun.name)) return 0;
      if (limit !== undefined) return [...disk.list(noun, { where, limit })].length;
      const cursor = sql.exec<{ count: number }>(
        `SELECT count(*) AS count FROM "${noun.name}"${conditions(where)}`,
        ...where.map(([, , value]) => value),
      );
      return cursor.one().count;
    },
    write(writes) {
      const added = new Set<string>();
      const known = made();
      storage.transactionSync(() => {
        for (const write of writes) {
          const { noun, key } = write;
          if (write.value === undefined) {
            if (known.has(noun.name)) run(`DELETE FROM "${noun.name}" WHERE key = ?`, key);
            continue;
          }
          if (!known.has(noun.name) && !added.has(noun.name)) {
            run(tableOf(noun));
            added.add(noun.name);
          }
          run(upsertOf(noun), ...valuesOf(write));
        }
      });
      // Only after the transaction: a failed transaction also undoes its new tables.
      for (const name of added) known.add(name);
    },
    removeAll(noun, where) {
      if (!made().has(noun.name)) return;
      run(`DELETE FROM "${noun.name}"${conditions(where)}`, ...where.map(([, , value]) => value));
    },
    exists: () => made().size > 0,
    rowsWritten: () => rows,
    countRow() {
      rows += 1;
    },
  };
  return disk;
};

const decoded = <Value, Fields extends string>(noun: Noun<Value, Fields>, row: Row): Value =>
  noun.decode(row['text'] as string, row['detail'] as string | null);

const namesOf = ({ fields = {} }: Pick<Noun<never, string>, 'fields'>): readonly string[] =>
  Object.keys(fields);

const conditions = (where: readonly Condition<string>[]): string =>
  where.length === 0
    ? ''
    : ` WHERE ${where.map(([field, is]) => `"${field}" ${is} ?`).join(' AND ')}`;

const tableOf = (noun: AnyNoun): string => {
  const { name, indexed = [] } = noun;
  const fields = namesOf(noun).map((field) => `"${field}" ANY, `);
  return [
    `CREATE TABLE IF NOT EXISTS "${name}" (key ANY PRIMARY KEY, ${fields.join('')}text TEXT NOT NULL, detail TEXT) STRICT, WITHOUT ROWID;`,
    ...indexed.map(
      (field) =>
        `CREATE INDEX IF NOT EXISTS "${name}_${field}" ON "${name}" ("${field}") WHERE "${field}" IS NOT NULL;`,
    ),
  ].join('\n');
};

/** Statements by noun, cached because each write of a hot path would build the same text. */
const upserts = new WeakMap<AnyNoun, string>();

const upsertOf = (noun: AnyNoun): string => {
  const known = upserts.get(noun);
  if (known !== undefined) return known;
  const marks = Array.from({ length: namesOf(noun).length + 3 }, () => '?').join(', ');
  const upsert = `INSERT OR REPLACE INTO "${noun.name}" VALUES (${marks})`;
  upserts.set(noun, upsert);
  return upsert;
};

const valuesOf = ({ noun, key, value }: Write): SqlStorageValue[] => {
  const encoded = noun.encode(value);
  const [text, detail] = typeof encoded === 'string' ? [encoded, null] : encoded;
  const fields = Object.values(noun.fields ?? {}).map((of) => of(value));
  return [key satisfies Key, ...fields, text, detail];
};
