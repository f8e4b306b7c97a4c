/**
 * Types of `countersign/worker`. They name no type of `@cloudflare/workers-types` or of a generated `worker-configuration.d.ts`, so that a
 * project may use either, in any version.
 */

/** A Hono app, or any object with a `fetch` handler. */
export type Application = {
  readonly fetch: (request: Request, env: never, context: never) => Response | Promise<Response>;
};

export type CountersignOptions = {
  /** The content of `tools.json`. The gateway answers 503 and names the field if a tool is not valid. */
  readonly tools: { readonly tools: readonly unknown[] };
  /**
   * Answers every request that is neither for a route of the gateway nor for the path of a tool, however the path is spelled. A gateway
   * with an invalid configuration knows no paths of tools, so it answers every request itself.
   */
  readonly next?: Application;
};

/** The handlers of a Worker: its default export. */
export type CountersignWorker = {
  fetch(request: Request, env: unknown, context: unknown): Promise<Response>;
  queue(batch: unknown, env: unknown, context: unknown): Promise<void>;
  scheduled(controller: unknown, env: unknown, context: unknown): Promise<void>;
};

/**
 * Makes the Worker of a gateway. Its entry module must also export the three classes below.
 *
 * @example
 * import tools from './tools.json';
 * import { countersign } from 'countersign/worker';
 * export { AgentAccount, Relayer, SettlementRequests } from 'countersign/worker';
 * export default countersign({ tools });
 */
export declare const countersign: (options: CountersignOptions) => CountersignWorker;

/** Durable Object class of the binding `AGENT_ACCOUNT`: one object decides the calls of one account. */
export declare class AgentAccount {
  constructor(state: never, env: never);
}

/** Durable Object class of the binding `RELAYER`: one object per network sends the gateway's own transactions. */
export declare class Relayer {
  constructor(state: never, env: never);
}

/** Sends requests to facilitators in an invocation of its own. The gateway finds it by its export name. */
export declare class SettlementRequests {
  constructor(context: never, env: never);
}
