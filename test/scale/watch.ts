/** A statement with its bindings. */
export type Seen = { readonly sql: string; readonly values: readonly unknown[] };

/** Wraps a database to record its statements, so that their plans can be explained. */
export const watched = (db: D1Database): { readonly db: D1Database; readonly seen: Seen[] } => {
  const seen: Seen[] = [];
  /** Statements before their values are bound. `batch` accepts only statements that `prepare` returned. */
  const unbound = new WeakMap<D1PreparedStatement, Seen & { readonly real: D1PreparedStatement }>();
  const prepare = (sql: string): D1PreparedStatement => {
    const statement = db.prepare(sql);
    const bind = (...values: unknown[]): D1PreparedStatement => {
      seen.push({ sql, values });
      return statement.bind(...values);
    };
    const proxy = new Proxy(statement, {
      get: (target, name: keyof D1PreparedStatement) => {
        if (name === 'bind') return bind;
        return (...args: never[]) => {
          seen.push({ sql, values: [] });
          return (target[name] as (...given: never[]) => unknown)(...args);
        };
      },
    });
    unbound.set(proxy, { sql, values: [], real: statement });
    return proxy;
  };
  const batch = (statements: readonly D1PreparedStatement[]) =>
    db.batch(
      statements.map((statement) => {
        const known = unbound.get(statement);
        if (known !== undefined) seen.push({ sql: known.sql, values: known.values });
        return known?.real ?? statement;
      }),
    );
  const watching = new Proxy(db, {
    get: (target, name: keyof D1Database) =>
      name === 'prepare'
        ? prepare
        : name === 'batch'
          ? batch
          : (...args: never[]) => (target[name] as (...given: never[]) => unknown)(...args),
  });
  return { db: watching, seen };
};

/** Tables that grow with calls and accounts. No statement may scan them. */
const LARGE = /^SCAN (calls|spend|accounts|chunks|kin|a|c|d|k|s)\b(?!.*(USING|VIRTUAL TABLE))/;

/** Explains the query plan of a statement. */
export const planOf = async (db: D1Database, { sql, values }: Seen): Promise<readonly string[]> => {
  const { results } = await db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...values)
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
};

/** Finds the steps of a plan whose time grows with the tables. */
export const slowSteps = (plan: readonly string[]): readonly string[] =>
  plan.filter((step) => LARGE.test(step));
