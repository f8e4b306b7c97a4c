import { app, configOf } from './app.ts';

export { AgentAccount } from '../durable-objects/agent-account.ts';
export { Relayer } from '../durable-objects/relayer.ts';

/**
 * The Worker: requests, queues, and the objects it exports. Wiring only. What no request needs is imported where it is used, so that an
 * isolate that serves calls neither reads nor evaluates it.
 */
export default {
  fetch: (request, env, context) => app.fetch(request, env, context),

  async queue(batch, env) {
    const config = configOf(env);
    if (config.ok) {
      const { consume } = await import('./queues.ts');
      return consume(batch, env, config.value);
    }
    // Nothing may be acknowledged by a Worker that cannot read its configuration (law 5).
    console.error({ event: 'queue_misconfigured', queue: batch.queue });
    return batch.retryAll({ delaySeconds: 60 });
  },

  async scheduled(_, env) {
    const config = configOf(env);
    if (config.ok) {
      const { runScheduled } = await import('./scheduled.ts');
      return runScheduled(env, config.value);
    }
    console.error({ event: 'scheduled_misconfigured' });
  },
} satisfies ExportedHandler<Env>;
