import { app, configOf } from './app.ts';
import { consume } from './queues.ts';
import { runScheduled } from './scheduled.ts';

export { AgentAccount } from '../durable-objects/agent-account.ts';
export { Relayer } from '../durable-objects/relayer.ts';

/** The Worker: requests, queues, and the objects it exports. Wiring only. */
export default {
  fetch: (request, env, context) => app.fetch(request, env, context),

  async queue(batch, env) {
    const config = configOf(env);
    if (config.ok) return consume(batch, env, config.value);
    // Nothing may be acknowledged by a Worker that cannot read its configuration (law 5).
    console.error({ event: 'queue_misconfigured', queue: batch.queue });
    return batch.retryAll({ delaySeconds: 60 });
  },

  async scheduled(_, env) {
    const config = configOf(env);
    if (config.ok) return runScheduled(env, config.value);
    console.error({ event: 'scheduled_misconfigured' });
  },
} satisfies ExportedHandler<Env>;
