import { AgentAccount as Account } from '../../../src/index.ts';
import gateway from '../../../src/index.ts';
import { failingDatabase } from './failing-database.ts';

export { AuditLog, Relayer, SettlementRequests } from '../../../src/index.ts';

/** Takes the database of the otherwise unchanged gateway away and gives it back. */
const CONTROL = '/_outage';

let isAway = false;
/** Messages of the audit queue that were delivered during the outage, and how often in all. */
const delivered = new Set<string>();
let deliveries = 0;
let environments = new WeakMap<Env, Env>();

/** Returns the same object for the same environment, because the gateway uses it as a cache key. */
const withFailingDatabase = (env: Env): Env => {
  const known = environments.get(env) ?? {
    ...env,
    AUDIT_DB: failingDatabase(env.AUDIT_DB, () => isAway),
  };
  environments.set(env, known);
  return known;
};

export class AgentAccount extends Account {
  constructor(context: DurableObjectState, env: Env) {
    super(context, withFailingDatabase(env));
  }
}

type Control = { readonly away: boolean; readonly accounts: readonly string[] };

/** Serves `/_outage`: takes the database away or gives it back, and returns the accounts' snapshots and the queue's failed deliveries. */
const controlled = async (request: Request, env: Env): Promise<Response> => {
  const { away, accounts } = await request.json<Control>();
  isAway = away;
  // The gateway has not seen the next environment, so it starts again, like a new isolate.
  environments = new WeakMap();
  const snapshots = accounts.map(async (id) => env.AGENT_ACCOUNT.getByName(id).snapshot());
  return Response.json({
    accounts: await Promise.all(snapshots),
    ...{ messages: delivered.size, deliveries },
  });
};

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === CONTROL) return controlled(request, env);
    return gateway.fetch(request as never, withFailingDatabase(env), context);
  },

  async queue(batch, env, context) {
    if (isAway && batch.queue.endsWith('-audit')) {
      deliveries += batch.messages.length;
      for (const { id } of batch.messages) delivered.add(id);
    }
    await (gateway.queue as (...all: unknown[]) => Promise<void>)(
      batch,
      withFailingDatabase(env),
      context,
    );
  },

  async scheduled(event, env, context) {
    const { scheduled } = gateway as ExportedHandler<Env>;
    await scheduled?.(event, withFailingDatabase(env), context);
  },
} satisfies ExportedHandler<Env>;
