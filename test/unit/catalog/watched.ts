import { db } from '../audit/database.ts';

/** The real database, watched: what each query cost. It can be told to fail, and to wait before it answers. */
export const watchedDatabase = () => {
  const asked: D1Meta[] = [];
  let gate: Promise<void> = Promise.resolve();
  let broken = false;
  let queries = 0;
  const through = async (ask: () => Promise<D1Result>): Promise<D1Result> => {
    queries += 1;
    // What a statement sees is fixed when it begins; only its answer is late.
    const [until, failing] = [gate, broken];
    const result = failing ? undefined : await ask();
    await until;
    if (result === undefined) throw new Error('D1_ERROR: Network connection lost.');
    asked.push(result.meta);
    return result;
  };
  const watched = {
    prepare: (sql: string) => ({
      bind: (...values: unknown[]) => {
        const statement = db.prepare(sql).bind(...values);
        return {
          all: () => through(() => statement.all()),
          run: () => through(() => statement.run()),
        };
      },
    }),
  } as unknown as D1Database;
  return {
    db: watched,
    asked,
    queries: () => queries,
    breakDown: () => {
      broken = true;
    },
    recover: () => {
      broken = false;
    },
    /** Holds back the answers of queries from now on, until what is returned is called. */
    holdBack: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return () => {
        if (gate === promise) gate = Promise.resolve();
        resolve();
      };
    },
    /** Lets later queries pass, while those held back go on waiting. */
    letPass: () => {
      gate = Promise.resolve();
    },
  };
};
