import { tracing, WorkerEntrypoint } from 'cloudflare:workers';
import type { BackendAnswer, SettleRequest } from '../settlement/backends/backend.ts';
import { useTracing } from '../tracing/trace.ts';
import { openApp } from './app.ts';
import { openDeployment } from './deployment.ts';
import type { Application, countersign as Published } from './published.d.ts';

export { AgentAccount } from '../../durable-objects/account/agent-account.ts';
export { AuditLog } from '../../durable-objects/audit-log.ts';
export { Relayer } from '../../durable-objects/relayer.ts';

useTracing(tracing);

/**
 * Makes the Worker of a gateway: requests, queues and the cron trigger. It imports code that calls do not need on first use, so that an
 * isolate that serves calls does not load it. `src/worker/published.d.ts` documents the options.
 */
export const countersign = (({ tools, next, cron }) => {
  const deployment = openDeployment(tools);
  const { placedConfigOf } = deployment;
  const app = openApp(deployment);
  return {
    ...otherHandlers(next),

    async fetch(request, env, context) {
      if (next?.fetch !== undefined) {
        const { isForGateway } = await import('./mount.ts');
        if (!(await isForGateway(deployment, request, env, context)))
          return next.fetch(request as never, env as never, context as never);
      }
      return app.fetch(request, env, context);
    },

    async queue(batch, env, context) {
      // A failed module load fails for the life of the isolate: throwing here would use up the batch's retries within seconds.
      const loaded = await Promise.all([import('./mount.ts'), import('./queues.ts')]).catch(String);
      if (typeof loaded === 'string') {
        console.error({ event: 'queue_unloaded', queue: batch.queue, cause: loaded });
        return batch.retryAll({ delaySeconds: 60 });
      }
      const [{ isOwnQueue, handlerOf }, { onBatch }] = loaded;
      const other = isOwnQueue(batch.queue) ? undefined : handlerOf(next, 'queue');
      return other === undefined
        ? onBatch(batch, env, context, await placedConfigOf(env))
        : other(batch, env, context);
    },

    async scheduled(controller, env, context) {
      const { isOwnCron, handlerOf } = await import('./mount.ts');
      const other = isOwnCron(controller.cron, cron) ? undefined : handlerOf(next, 'scheduled');
      if (other !== undefined) return other(controller, env, context);
      const { onSchedule } = await import('./scheduled.ts');
      const now = Math.floor(controller.scheduledTime / 1_000);
      return onSchedule(env, await placedConfigOf(env), controller.cron, now);
    },
  } satisfies ExportedHandler<Env>;
}) satisfies typeof Published;

/** The handlers of an application for events that the gateway has no use for. */
const otherHandlers = (next: Application | undefined): ExportedHandler<Env> =>
  Object.fromEntries(
    (['connect', 'email', 'tail', 'tailStream', 'trace'] as const)
      .filter((name) => next !== undefined && name in next)
      .map((name) => [
        name,
        (...event: never[]) => next?.[name]?.(...(event as [never, never, never])),
      ]),
  );

/**
 * Sends requests to facilitators in an invocation of its own (`ctx.exports`), because an invocation has six connections and a facilitator
 * holds one until the payment is mined. No other Worker can call it unless the operator binds it as a service.
 */
export class SettlementRequests extends WorkerEntrypoint<Env> {
  /** Sends all requests at once. @returns one answer per request, in order. */
  async postAll(requests: readonly SettleRequest[]): Promise<readonly BackendAnswer[]> {
    const { postSettles } = await import('../settlement/backends/facilitator-api.ts');
    return postSettles(requests);
  }
}
