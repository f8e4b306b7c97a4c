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
 * A database that notes each statement. Every read takes the form of `all`, because `first` and `raw` return no counts: a query whose
 * columns share a name would lose one of them in `raw`.
 */
export const countedDatabase = (db: D1Database, note: (ran: Ran) => void): D1Database => {
  /** The real statement of each wrapped one: `batch` of the binding accepts no other. */
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
