/**
 * The gateway with a D1 that counts: `GET /__statements` returns the statements since its last request, with those steps of their plans
 * that scan.
 */
import gateway from '../../src/index.ts';
import { countedDatabase, type Ran } from './counted-database.ts';
import { planOf, slowSteps } from './watch.ts';

export * from '../../src/index.ts';

/** The path that returns the statements. */
const STATEMENTS = '/__statements';

export type Statement = Omit<Ran, 'values'> & {
  /** The steps of the statement's plan that read a whole table. */
  readonly scans: readonly string[];
};

let ran: Ran[] = [];
let counting: Env | undefined;

const explained = async (db: D1Database): Promise<readonly Statement[]> => {
  const taken = ran;
  ran = [];
  return await Promise.all(
    taken.map(async ({ values, ...each }) => ({
      ...each,
      scans: slowSteps(await planOf(db, { sql: each.sql, values })),
    })),
  );
};

export default {
  ...gateway,
  fetch: async (request, env, context) => {
    if (new URL(request.url).pathname === STATEMENTS)
      return Response.json(await explained(env.AUDIT_DB));
    // The gateway caches by environment, so each request must get the same one.
    counting ??= {
      ...env,
      AUDIT_DB: countedDatabase(env.AUDIT_DB, (each) => {
        ran.push(each);
      }),
    };
    return await gateway.fetch(request, counting, context);
  },
} satisfies ExportedHandler<Env>;
