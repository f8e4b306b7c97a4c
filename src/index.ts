import { app, configOf } from './app.ts';

export { AgentAccount } from '../durable-objects/account/agent-account.ts';
export { Relayer } from '../durable-objects/relayer.ts';
export { SettlementRequests } from './settlement-requests.ts';

/**
 * The Worker's entry: requests, queues, the cron trigger, and the exported objects. It imports code that calls do not need on first use, so
 * that an isolate that serves calls does not load it.
 */
export default {
  fetch: (request, env, context) => app.fetch(request, env, context),

  async queue(batch, env, context) {
    const config = configOf(env);
    // A failed module load fails for the life of the isolate: throwing here would use up the batch's retries within seconds.
    const queues = await import('./queues.ts').catch((cause: unknown) => String(cause));
    if (config.ok && typeof queues !== 'string')
      return queues.consume(batch, env, context, config.value);
    // A Worker without a valid configuration, or without its code, must not acknowledge messages (law 5).
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
