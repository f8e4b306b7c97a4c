/** Decides what happens to a database query: it runs, it fails, or it runs and its answer is lost. */
export type InterceptQuery = <T>(query: () => Promise<T>) => Promise<T>;

/** Wraps a database so that `intercept` handles every query. */
export const interceptedDatabase = (db: D1Database, intercept: InterceptQuery): D1Database => {
  /** The real statement of each wrapped one. The binding's `batch` accepts real statements only. */
  const statements = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const wrapped = (statement: D1PreparedStatement): D1PreparedStatement => {
    const made = {
      bind: (...values: unknown[]) => wrapped(statement.bind(...values)),
      first: async (column?: string) =>
        intercept(async () => (column === undefined ? statement.first() : statement.first(column))),
      run: async () => intercept(async () => statement.run()),
      all: async () => intercept(async () => statement.all()),
      raw: async (options: never) => intercept(async () => statement.raw(options)),
    } as unknown as D1PreparedStatement;
    statements.set(made, statement);
    return made;
  };
  return {
    prepare: (text: string) => wrapped(db.prepare(text)),
    batch: async (all: D1PreparedStatement[]) =>
      intercept(async () => db.batch(all.map((one) => statements.get(one) ?? one))),
    exec: async (text: string) => intercept(async () => db.exec(text)),
  } as unknown as D1Database;
};
