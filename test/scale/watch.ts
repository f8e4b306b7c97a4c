/** A statement as it was asked, with what it was bound to. */
export type Seen = { readonly sql: string; readonly values: readonly unknown[] };

/** A database that writes down what it is asked, so that the same can be explained. */
export const watched = (db: D1Database): { readonly db: D1Database; readonly seen: Seen[] } => {
  const seen: Seen[] = [];
  const prepare = (sql: string): D1PreparedStatement => {
    const statement = db.prepare(sql);
    const bind = (...values: unknown[]): D1PreparedStatement => {
      seen.push({ sql, values });
      return statement.bind(...values);
    };
    return new Proxy(statement, {
      get: (target, name: keyof D1PreparedStatement) => {
        if (name === 'bind') return bind;
        return (...args: never[]) => {
          seen.push({ sql, values: [] });
          return (target[name] as (...given: never[]) => unknown)(...args);
        };
      },
    });
  };
  const watching = new Proxy(db, {
    get: (target, name: keyof D1Database) =>
      name === 'prepare'
        ? prepare
        : (...args: never[]) => (target[name] as (...given: never[]) => unknown)(...args),
  });
  return { db: watching, seen };
};

/** Tables that grow with calls and accounts: nothing may walk them from end to end. */
const LARGE =
  /^SCAN (calls|payments|spend|accounts|chunks|kin|a|c|d|k|o|p|s)\b(?!.*(USING|VIRTUAL TABLE))/;

/** How the database would do it. */
export const planOf = async (db: D1Database, { sql, values }: Seen): Promise<readonly string[]> => {
  const { results } = await db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...values)
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
};

/** Steps of a plan that would take the longer the more there is. */
export const slowSteps = (plan: readonly string[]): readonly string[] =>
  plan.filter((step) => LARGE.test(step));
