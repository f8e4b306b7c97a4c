/**
 * Types of `countersign/worker`. They only need the module `cloudflare:workers`, which both `@cloudflare/workers-types` and the
 * `worker-configuration.d.ts` of `wrangler types` declare, so that a project may use either, in any version. The base classes carry the
 * brands that the types of bindings require.
 */
import type { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';

/** A Hono app, or any object with handlers of a Worker, such as the default export of one. */
export type Application = {
  readonly fetch?: (request: never, env: never, context: never) => Response | Promise<Response>;
  /** Consumes the queues whose names do not end like those of the gateway (`countersign-settlement`, `countersign-audit-dead`, …). */
  readonly queue?: Handler;
  /** Serves the cron triggers that are not the gateway's. */
  readonly scheduled?: Handler;
  /** The gateway passes these events on as they are. */
  readonly connect?: Handler;
  readonly email?: Handler;
  readonly tail?: Handler;
  readonly tailStream?: Handler;
  readonly trace?: Handler;
};

type Handler = (event: never, env: never, context: never) => unknown;

export type CountersignOptions = {
  /** The content of `tools.json`. The gateway answers 503 and names the field if a tool is not valid. */
  readonly tools: { readonly tools: readonly unknown[] };
  /**
   * Answers every request that is neither for a route of the gateway nor for the path of a tool, however the path is spelled. A gateway
   * with an invalid configuration knows no paths of tools, so it answers every request itself. Gets the batches and cron triggers that
   * are not the gateway's too, if it has handlers for them.
   */
  readonly next?: Application;
  /** The gateway's cron expression in the wrangler configuration, by default `* * * * *`. It must run each minute. */
  readonly cron?: string;
};

/** The handlers of a Worker: its default export. */
export type CountersignWorker = {
  fetch(request: Request, env: unknown, context: unknown): Promise<Response>;
  queue(batch: unknown, env: unknown, context: unknown): Promise<void>;
  scheduled(controller: unknown, env: unknown, context: unknown): Promise<void>;
};

/**
 * Makes the Worker of a gateway. Its entry module must also export the four classes below.
 *
 * @example
 * import tools from './tools.json';
 * import { countersign } from 'countersign/worker';
 * export { AgentAccount, AuditLog, Relayer, SettlementRequests } from 'countersign/worker';
 * export default countersign({ tools });
 */
export declare const countersign: (options: CountersignOptions) => CountersignWorker;

/** Durable Object class of the binding `AGENT_ACCOUNT`: one object decides the calls of one account. */
export declare class AgentAccount extends DurableObject {}

/** Durable Object class of the binding `AUDIT_LOG`: one object per year keeps the transparency log of a gateway with a `LOG_KEY`. */
export declare class AuditLog extends DurableObject {}

/** Durable Object class of the binding `RELAYER`: one object per network sends the gateway's own transactions. */
export declare class Relayer extends DurableObject {}

/** Sends requests to facilitators in an invocation of its own. The gateway finds it by its export name. */
export declare class SettlementRequests extends WorkerEntrypoint {}
