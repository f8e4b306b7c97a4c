import { mayBeOwnUrl } from '../catalog/own-paths.ts';
import { call } from '../gateway/call.ts';
import { problem } from '../protocol/problem/problem.ts';
import { allowEveryOrigin } from './cors.ts';
import type { Deployment } from './deployment.ts';
import { unhandled, unlessPaused } from './handler.ts';
import { openGateways } from './open-gateways.ts';
import type { openRoutes } from './routes.ts';

/** Answers the requests to the gateway. */
export type App = {
  readonly fetch: (request: Request, env: Env, context: ExecutionContext) => Promise<Response>;
};

const callTool = unlessPaused(call);

/**
 * Opens the gateway of an isolate. It serves calls of tools without hono, whose context and copied answer cost a call as much as its policies.
 * The router loads with the first request for another path.
 */
export const openApp = (deployment: Deployment): App => {
  const gatewayOf = openGateways(deployment);
  let routes: Pick<ReturnType<typeof openRoutes>, 'fetch'> | undefined;

  const serveCall: App['fetch'] = async (request, env, context) => {
    const gateway = await gatewayOf(env, context);
    return gateway.ok ? callTool(gateway.value, request) : problem(gateway.error);
  };

  return {
    async fetch(request, env, context) {
      try {
        if (isToolCall(request)) return allowEveryOrigin(await serveCall(request, env, context));
        routes ??= (await import('./routes.ts')).openRoutes(deployment, gatewayOf);
        return await routes.fetch(request, env, context);
      } catch (cause) {
        return allowEveryOrigin(await unhandled(cause));
      }
    },
  };
};

/** Whether no route of the router can match. The router also answers OPTIONS, and removes the body of answers to HEAD. */
const isToolCall = ({ method, url }: Request): boolean =>
  method !== 'OPTIONS' && method !== 'HEAD' && !mayBeOwnUrl(url);
