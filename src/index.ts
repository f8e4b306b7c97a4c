import { app, configOf } from './app.ts';
import { consume } from './queues.ts';

export { AgentAccount } from '../durable-objects/agent-account.ts';

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
} satisfies ExportedHandler<Env>;
