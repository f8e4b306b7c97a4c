import { app, configOf } from './app.ts';

export { AgentAccount } from '../durable-objects/account/agent-account.ts';
export { Relayer } from '../durable-objects/relayer.ts';

/**
 * The Worker: requests, queues, and the objects it exports. Wiring only. What no request needs is imported where it is used, so that an
 * isolate that serves calls neither reads nor evaluates it.
 */
export default {
  fetch: (request, env, context) => app.fetch(request, env, context),

  async queue(batch, env) {
    const config = configOf(env);
    // A module that cannot be loaded stays so while the isolate lives: thrown, its tries would be used up within seconds.
    const queues = await import('./queues.ts').catch((cause: unknown) => String(cause));
    if (config.ok && typeof queues !== 'string') return queues.consume(batch, env, config.value);
    // Nothing may be acknowledged by a Worker that cannot read its configuration, or its own code (law 5).
    const cause = typeof queues === 'string' ? { cause: queues } : {};
    console.error({ event: 'queue_misconfigured', queue: batch.queue, ...cause });
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
