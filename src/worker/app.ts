import { mayBeOwnUrl } from '../catalog/own-paths.ts';
import { call } from '../gateway/call.ts';
import { problem } from '../protocol/problem/problem.ts';
import { allowEveryOrigin } from './cors.ts';
import type { Deployment } from './deployment.ts';
import { unhandled, unlessPaused } from './handler.ts';
import { openGateways } from './open-gateways.ts';

/** Answers the requests to the gateway. */
export type App = {
  readonly fetch: (request: Request, env: Env, context: ExecutionContext) => Promise<Response>;
};

const callTool = unlessPaused(call);

/**
 * Opens the gateway of an isolate. It serves calls of tools itself, and everything else by the router, which an isolate that serves calls does
 * not load: its context and its copy of an answer cost as much as the policies of a call.
 */
export const openApp = (deployment: Deployment): App => {
  const gatewayOf = openGateways(deployment);
  let routes: {
    readonly fetch: (...request: Parameters<App['fetch']>) => Response | Promise<Response>;
  };

  const serveCall: App['fetch'] = async (request, env, context) => {
    const gateway = await gatewayOf(env, context);
    return gateway.ok ? callTool(gateway.value, request) : problem(gateway.error);
  };

  return {
    async fetch(request, env, context) {
      let answer: Response;
      try {
        if (!isToolCall(request)) {
          routes ??= (await import('./routes.ts')).openRoutes(deployment, gatewayOf);
          return await routes.fetch(request, env, context);
        }
        answer = await serveCall(request, env, context);
      } catch (cause) {
        answer = await unhandled(cause);
      }
      allowEveryOrigin(answer);
      return answer;
    },
  };
};

/** Whether the router could only pass a request on to the tools. It answers OPTIONS itself, and takes the body from answers to HEAD. */
const isToolCall = ({ method, url }: Request): boolean =>
  method !== 'OPTIONS' && method !== 'HEAD' && !mayBeOwnUrl(url);
