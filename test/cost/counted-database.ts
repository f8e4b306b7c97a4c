import type { Meter } from './meter.ts';

/** Wraps D1 to count queries and the rows in their `meta`, which are billed. */
export const countedDatabase = (db: D1Database, meter: Pick<Meter, 'add'>): D1Database => {
  // Bind the current method now: an object's meter later replaces it, so that the object's queries count as well.
  const prepare = db.prepare.bind(db);
  const inner = new WeakMap<D1PreparedStatement, D1PreparedStatement>();

  const note = <T>(result: D1Result<T>): D1Result<T> => {
    meter.add('databaseQueries');
    meter.add('databaseRead', result.meta.rows_read);
    meter.add('databaseWritten', result.meta.rows_written);
    return result;
  };

  const counted = (statement: D1PreparedStatement): D1PreparedStatement => {
    const all = async <T>(): Promise<D1Result<T>> => note(await statement.all<T>());
    const wrapped = {
      bind: (...values: unknown[]) => counted(statement.bind(...values)),
      all,
      run: all,
      // `first` and `raw` return no `meta`.
      raw: async () => (await all<object>()).results.map(Object.values),
      first: async (column?: string): Promise<unknown> => {
        const row = (await all<Record<string, unknown>>()).results[0];
        return (column === undefined ? row : row?.[column]) ?? null;
      },
    } as unknown as D1PreparedStatement;
    inner.set(wrapped, statement);
    return wrapped;
  };

  return {
    prepare: (sql: string) => counted(prepare(sql)),
    batch: async <T>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> => {
      const results = await db.batch<T>(statements.map((one) => inner.get(one) ?? one));
      return results.map((result) => note(result));
    },
  } as unknown as D1Database;
};
