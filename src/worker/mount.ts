import { isOwnPath, OWN_PATHS } from '../catalog/own-paths.ts';
import { lenient } from '../catalog/path.ts';
import { longestBeginning, type Routes } from '../catalog/route.ts';
import { nowSeconds } from '../core/clock.ts';
import type { Deployment } from './deployment.ts';
import type { Application } from './published.d.ts';
import { readQueueName } from '../settlement/queue-name.ts';

/**
 * Returns whether the gateway answers a request, rather than the application that it is mounted in. Its page at `/` belongs to the
 * application.
 *
 * An invalid configuration hides the paths of the tools, so every request belongs to the gateway then: the application might serve a paid
 * path free of charge.
 */
export const isForGateway = async (
  { placedConfigOf, catalogueOf }: Deployment,
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<boolean> => {
  const { pathname } = new URL(request.url);
  if (pathname !== OWN_PATHS.home && isOwnPath(pathname)) return true;
  const config = await placedConfigOf(env);
  if (!config.ok) return true;
  const catalogue = catalogueOf(env, config.value);
  const { routes } = await catalogue.current(nowSeconds(), (promise) => context.waitUntil(promise));
  return pathname !== OWN_PATHS.home && isReserved(routes, pathname);
};

/** Whether a batch is the gateway's. All others belong to the application, if it consumes queues. */
export const isOwnQueue = (name: string): boolean => readQueueName(name) !== undefined;

/** The expression in the `wrangler.toml` of this repository and of every project that `countersign` writes. */
const OWN_CRON = '* * * * *';

/** Whether a cron trigger is the gateway's: `configured`, or the usual expression. All others belong to the application, if it has a schedule. */
export const isOwnCron = (expression: string, configured = OWN_CRON): boolean =>
  expression === configured;

/**
 * The handler of an application, or undefined. Checks with `in`: a router that is a proxy returns a function for every name (itty-router),
 * which would swallow a batch that the gateway must retry.
 */
export const handlerOf = <Name extends 'queue' | 'scheduled'>(
  next: Application | undefined,
  name: Name,
): ((...event: readonly unknown[]) => Promise<void>) | undefined => {
  if (next === undefined || !(name in next)) return undefined;
  return async (...event) => {
    await next[name]?.(...(event as [never, never, never]));
  };
};

/**
 * Returns whether any server could read a path as that of a tool. The gateway refuses the other spellings; the application might serve
 * them, without a payment (CWE-436).
 */
const isReserved = (routes: Routes, pathname: string): boolean => {
  const path = resolved(pathname);
  if (path === undefined) return true;
  const plain = lenient(path);
  return (
    routes.lenientExact.has(plain) ||
    longestBeginning(routes.lenientWildcard, routes.longest, `${plain}/`) !== undefined
  );
};

/** An honest path is encoded once. A limit, because each round of a path of `%252525…` decodes one escape (CWE-407). */
const MAX_ROUNDS = 4;

/** Decodes a path until nothing is left to decode, merges slashes and resolves dot segments. Undefined if it takes too many rounds. */
const resolved = (pathname: string): string | undefined => {
  let path = pathname;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const decoded = path.replace(/(?:%[0-9a-f]{2})+/gi, decode).replace(/[/\\]+/g, '/');
    const next = URL.parse(`https://path.invalid${decoded}`)?.pathname ?? decoded;
    if (next === path) return path;
    path = next;
  }
  return undefined;
};

const decode = (escapes: string): string => {
  try {
    return decodeURIComponent(escapes);
  } catch {
    return escapes;
  }
};
