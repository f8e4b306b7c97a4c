import { openApp } from './app.ts';
import { openDeployment } from './deployment.ts';
import type { countersign as Published } from './published-worker.d.ts';

export { AgentAccount } from '../durable-objects/account/agent-account.ts';
export { Relayer } from '../durable-objects/relayer.ts';
export { SettlementRequests } from './settlement-requests.ts';

/**
 * Makes the Worker of a gateway: requests, queues and the cron trigger. It imports code that calls do not need on first use, so that an
 * isolate that serves calls does not load it. `src/published-worker.d.ts` documents the options.
 */
export const countersign = (({ tools, next }) => {
  const deployment = openDeployment(tools);
  const { configOf } = deployment;
  const app = openApp(deployment);
  return {
    async fetch(request, env, context) {
      if (next !== undefined) {
        const { isForGateway } = await import('./mount.ts');
        if (!(await isForGateway(deployment, request, env, context)))
          return next.fetch(request, env as never, context as never);
      }
      return app.fetch(request, env, context);
    },

    async queue(batch, env, context) {
      // A failed module load fails for the life of the isolate: throwing here would use up the batch's retries within seconds.
      const queues = await import('./queues.ts').catch(String);
      if (typeof queues !== 'string') return queues.onBatch(batch, env, context, configOf(env));
      console.error({ event: 'queue_unloaded', queue: batch.queue, cause: queues });
      return batch.retryAll({ delaySeconds: 60 });
    },

    async scheduled(_, env) {
      const { onSchedule } = await import('./scheduled.ts');
      return onSchedule(env, configOf(env));
    },
  } satisfies ExportedHandler<Env>;
}) satisfies typeof Published;
