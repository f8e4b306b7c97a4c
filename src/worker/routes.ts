import type { Context } from 'hono';
import { cors } from 'hono/cors';
import { HonoBase } from 'hono/hono-base';
import { TrieRouter } from 'hono/router/trie-router';
import { OWN_FOLDERS, OWN_PATHS } from '../catalog/own-paths.ts';
import { audienceOf, gatewayAccount } from '../config/config.ts';
import { nowSeconds } from '../core/clock.ts';
import type { DocumentName } from '../discovery/index.ts';
import { openSigner, publishedKey } from '../crypto/signer.ts';
import { call } from '../gateway/call.ts';
import type { AdminContext } from '../management/handler.ts';
import type { Readiness } from '../outages/readiness.ts';
import { problem } from '../protocol/problem/problem.ts';
import { allowEveryOrigin, EXPOSED_HEADERS } from './cors.ts';
import type { Deployment } from './deployment.ts';
import { type Handler, unhandled, unlessPaused } from './handler.ts';
import { badKey, type GatewayOf } from './open-gateways.ts';
import type { LogKeySettings } from '../audit/log/log-key.ts';
import { hasLog } from '../config/optional-bindings.ts';
import { objectOf } from '../protocol/jurisdiction.ts';

type Bindings = { readonly Bindings: Env };

const loadAccountApi = () => import('../gateway/account-api/index.ts');
type AccountApi = Awaited<ReturnType<typeof loadAccountApi>>;

/** A route of the account API, whose code the isolate loads with the first request for it. */
const accountApi =
  (name: Exclude<keyof AccountApi, 'description'>): Handler =>
  async (gateway, request) =>
    (await loadAccountApi())[name](gateway, request);

const only =
  (...allow: readonly string[]) =>
  () =>
    problem({ reason: 'method_not_allowed', allow });

/** The Worker's routes, in order, at the paths of `src/catalog/own-paths.ts`. Every other path belongs to a tool. */
export const openRoutes = (
  { configOf, placedConfigOf }: Deployment,
  gatewayOf: GatewayOf,
): HonoBase<Bindings> => {
  // hono's default combines three routers, for thousands of routes. This single one also routes the management API.
  const app = new HonoBase<Bindings>({ router: new TrieRouter() });

  const serve =
    (handler: Handler) =>
    async (context: Context<Bindings>): Promise<Response> => {
      const gateway = await gatewayOf(context.env, context.executionCtx);
      return gateway.ok ? handler(gateway.value, context.req.raw) : problem(gateway.error);
    };

  /** The management API, loaded with its first request. Works while the gateway is paused: operators must be able to revoke a leaked key. */
  const managed =
    (name: 'manage' | 'endSession' | 'showSession') =>
    async (context: Context<Bindings>): Promise<Response> => {
      const gateway = await gatewayOf(context.env, context.executionCtx);
      if (!gateway.ok) return problem(gateway.error);
      const { env, req } = context;
      const admin: AdminContext = {
        ...gateway.value,
        account: (id) => objectOf(env, env.AGENT_ACCOUNT, id),
        relayer: (key) => objectOf(env, env.RELAYER, key),
        db: env.AUDIT_DB,
        auditQueue: env.AUDIT_QUEUE,
        webhookQueue: env.WEBHOOK_QUEUE,
        ...(hasLog(env) ? { log: (origin: string) => objectOf(env, env.AUDIT_LOG, origin) } : {}),
        env: env as unknown as AdminContext['env'],
      };
      const management = await import('../management/router.ts');
      return management[name](admin, req.raw);
    };

  /** A document about the tools, loaded with its first request. A paused gateway serves it too, and states that it is paused. */
  const discover =
    (document: DocumentName) =>
    async (context: Context<Bindings>): Promise<Response> => {
      const gateway = await gatewayOf(context.env, context.executionCtx);
      const discovery = await import('../discovery/index.ts');
      if (!gateway.ok) return discovery.describeFault(gateway.error, document, context.req.raw);
      const { AUDIT_DB, ASSETS } = context.env;
      const services = { ...gateway.value, db: AUDIT_DB, assets: ASSETS };
      return discovery.describe(services, document, context.req.raw);
    };

  // The preflight echoes the requested headers, because clients of the x402 libraries also send response headers.
  app.options('*', cors({ origin: '*', exposeHeaders: [EXPOSED_HEADERS], maxAge: 86_400 }));
  // A middleware of its own: hono's `cors` sets headers of other methods before there is an answer, and hono then copies every answer.
  app.use(async (context, next) => {
    await next();
    allowEveryOrigin(context.res);
  });

  app.get(OWN_PATHS.health, async (context) => {
    const config = await placedConfigOf(context.env);
    return config.ok
      ? context.json({ status: config.value.paused ? 'paused' : 'ok' }, 200, {
          'Cache-Control': 'no-store',
        })
      : problem(config.error);
  });

  /** States no reason, not even of a refused configuration: strangers may ask. */
  app.get(OWN_PATHS.ready, async ({ env, executionCtx, json }) => {
    const readiness = async (): Promise<Readiness | 'paused'> => {
      const config = await placedConfigOf(env);
      if (!config.ok) return 'unavailable';
      if (config.value.paused) return 'paused';
      const { currentReadiness } = await import('../outages/readiness.ts');
      const account = objectOf(env, env.AGENT_ACCOUNT, gatewayAccount(config.value));
      return currentReadiness(env, account, nowSeconds(), (promise) =>
        executionCtx.waitUntil(promise),
      );
    };
    const status = await readiness();
    const isServing = status === 'ready' || status === 'degraded';
    return json({ status }, isServing ? 200 : 503, { 'Cache-Control': 'no-store' });
  });

  app.get(OWN_PATHS.receiptKeys, async (context) => {
    const signer = await openSigner(context.env.RECEIPT_KEY);
    if (!signer.ok) return problem(badKey);
    const { keys } = signer.value.jwks;
    const config = configOf(context.env);
    const former = config.ok
      ? await Promise.all(config.value.formerReceiptKeys.map(publishedKey))
      : [];
    // An operator lists the key as a former one before replacing it.
    const others = former.filter(({ kid }) => kid !== signer.value.kid);
    return context.json({ keys: [...keys, ...others] }, 200, {
      'Cache-Control': 'public, max-age=300',
    });
  });

  app.get(OWN_PATHS.description, async (context) => {
    const config = configOf(context.env);
    const { description } = await loadAccountApi();
    return config.ok
      ? context.json(description(config.value, audienceOf(config.value, context.req.url)), 200, {
          'Cache-Control': 'public, max-age=300',
        })
      : problem(config.error);
  });

  /** The facilitator for other sellers, loaded with its first request. Where `FACILITATES` is empty, its paths do not exist. */
  app.all(`${OWN_FOLDERS.facilitator}*`, async (context, next) => {
    const config = configOf(context.env);
    if (!config.ok || config.value.facilitates.size === 0) return next();
    return serve(async (gateway, request) => {
      const { facilitate } = await import('../facilitator/facilitate.ts');
      return facilitate({ ...gateway, db: context.env.AUDIT_DB }, request);
    })(context);
  });
  /** The transparency log of the audit trail. A gateway without `LOG_KEY` has none. */
  app.all(`${OWN_FOLDERS.log}*`, async (context, next) => {
    const config = await placedConfigOf(context.env);
    if (!config.ok || !hasLog(context.env)) return next();
    const { serveLog } = await import('../discovery/log.ts');
    const { AUDIT_LOG, SHIELD } = context.env;
    const services = {
      audience: config.value.audiences[0],
      keys: context.env as LogKeySettings,
      log: (origin: string) => objectOf(context.env, AUDIT_LOG, origin),
      rateLimit: async (key: string) => (await SHIELD.limit({ key })).success,
    };
    return serveLog(services, context.req.raw, nowSeconds());
  });
  /** Events of a card issuer. A paused gateway takes them too: they report the outcome of calls. */
  app.post(OWN_PATHS.cardEvents, async (context) =>
    serve(async ({ raise }, request) => {
      const { takeCardEvent } = await import('../cards/webhook.ts');
      return takeCardEvent({ db: context.env.AUDIT_DB, env: context.env, raise }, request);
    })(context),
  );
  app.all(OWN_PATHS.cardEvents, only('POST'));
  app.post(OWN_PATHS.credits, serve(unlessPaused(accountApi('topUp'))));
  app.all(OWN_PATHS.credits, only('POST'));
  app.get(`${OWN_FOLDERS.calls}:call`, serve(accountApi('lookUp')));
  app.all(`${OWN_FOLDERS.calls}:call`, only('GET'));
  app.get(`${OWN_FOLDERS.accounts}me`, serve(accountApi('standing')));
  app.all(`${OWN_FOLDERS.accounts}me`, only('GET'));
  app.put(OWN_PATHS.delegations, serve(unlessPaused(accountApi('registerDelegation'))));
  app.all(OWN_PATHS.delegations, only('PUT'));
  app.post(OWN_PATHS.revocations, serve(accountApi('revoke')));
  app.all(OWN_PATHS.revocations, only('POST'));
  /**
   * MCP, loaded with its first request. It answers even while the gateway is paused or not configured, because MCP clients read results.
   */
  app.post(OWN_PATHS.mcp, async (context) => {
    const { serveMcp } = await import('../mcp/endpoint.ts');
    return serveMcp(await gatewayOf(context.env, context.executionCtx), context.req.raw);
  });
  app.all(OWN_PATHS.mcp, only('POST'));
  /** The dashboard: a page without data, which it reads from the management API with the signatures of the signed-in account. */
  const dashboard = async (context: Context<Bindings>): Promise<Response> => {
    const { serveDashboard } = await import('../discovery/dashboard.ts');
    const config = configOf(context.env);
    const { LOCAL_KEYS: keys } = context.env as { readonly LOCAL_KEYS?: string };
    // The configuration refuses the reach of a local stack together with a public audience.
    const localKeys = config.ok && config.value.reach === 'local_stack' ? keys : undefined;
    return serveDashboard({ assets: context.env.ASSETS, localKeys }, context.req.raw);
  };
  app.all(OWN_PATHS.dashboard, dashboard);
  app.all(`${OWN_FOLDERS.dashboard}*`, dashboard);
  app.get(OWN_PATHS.home, discover('home'));
  app.all(OWN_PATHS.home, only('GET'));
  app.get(OWN_PATHS.openapi, discover('openapi'));
  app.get(OWN_PATHS.llms, discover('llms'));
  app.get(OWN_PATHS.x402, discover('x402'));
  app.get(OWN_PATHS.session, managed('showSession'));
  app.delete(OWN_PATHS.session, managed('endSession'));
  app.all(OWN_PATHS.session, only('DELETE', 'GET'));
  app.all(`${OWN_FOLDERS.admin}*`, managed('manage'));
  app.all(`${OWN_FOLDERS.accounts}*`, managed('manage'));
  app.all('*', serve(unlessPaused(call)));
  app.onError(unhandled);
  return app;
};
