/** A statement that ran: what it read, and how long the database took. */
export type Ran = {
  readonly sql: string;
  readonly values: readonly unknown[];
  readonly rowsRead: number;
  readonly milliseconds: number;
};

type Row = Readonly<Record<string, unknown>>;
type Bound = {
  readonly real: D1PreparedStatement;
  readonly sql: string;
  readonly values: readonly unknown[];
};

/**
 * Wraps a database to record each statement. Every read runs as `all`, because `first` and `raw` return no counts. Queries must not have
 * two columns of one name: `raw` would lose one of them.
 */
export const countedDatabase = (db: D1Database, note: (ran: Ran) => void): D1Database => {
  /** The real statement of each wrapped one. The binding's `batch` accepts real statements only. */
  const bounds = new WeakMap<D1PreparedStatement, Bound>();
  const noted = ({ sql, values }: Bound, result: D1Result<Row>): D1Result<Row> => {
    const { rows_read: rowsRead, duration: milliseconds } = result.meta;
    note({ sql, values, rowsRead, milliseconds });
    return result;
  };
  const wrapped = (bound: Bound): D1PreparedStatement => {
    const { real, sql } = bound;
    const all = async () => noted(bound, await real.all<Row>());
    const made = {
      bind: (...values: unknown[]) => wrapped({ real: real.bind(...values), sql, values }),
      all,
      run: all,
      first: async (column?: string) => {
        const [row = null] = (await all()).results;
        return column === undefined ? row : (row?.[column] ?? null);
      },
      raw: async () => (await all()).results.map((row) => Object.values(row)),
    } as unknown as D1PreparedStatement;
    bounds.set(made, bound);
    return made;
  };
  return {
    prepare: (sql: string) => wrapped({ real: db.prepare(sql), sql, values: [] }),
    batch: async (statements: readonly D1PreparedStatement[]) => {
      const known = statements.map((each) => bounds.get(each)).filter((each) => each !== undefined);
      const results = await db.batch<Row>(known.map(({ real }) => real));
      return results.map((result, at) => {
        const bound = known[at];
        return bound === undefined ? result : noted(bound, result);
      });
    },
    exec: (sql: string) => db.exec(sql),
  } as unknown as D1Database;
};
