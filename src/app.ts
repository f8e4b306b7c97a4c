import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import toolsJson from '../tools.json';
import type { Office } from './management/admin-context.ts';
import { openOfferedGrants } from './audit/offered-grants.ts';
import { type LiveCatalogue, openCatalogue } from './catalog/live.ts';
import { readToolsOf } from './catalog/read-tools.ts';
import { audienceOf, type Config, gatewayAccount, parseConfig } from './config.ts';
import { problem } from './protocol/problem/problem.ts';
import type { Reason } from './protocol/problem/reason.ts';
import { err, ok, type Result } from './core/result.ts';
import { openSigner } from './crypto/signer.ts';
import { call } from './gateway/call.ts';
import { openSpentProofs } from './gateway/spent-proofs.ts';
import { DESCRIPTION_PATH } from './gateway/description-path.ts';
import type { Gateway } from './gateway/gateway.ts';
import { raiser } from './raise-alert.ts';
import { settlingOf } from './settling.ts';

/** What a browser page may read of our answers, and send to us (x402 facts 1.1). */
const EXPOSED = [
  'PAYMENT-REQUIRED',
  'PAYMENT-RESPONSE',
  'X-PAYMENT-RESPONSE',
  'Agent-Receipt',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'ETag',
  'Link',
].join(',');

type Bindings = { readonly Bindings: Env };

/** Routes and their order. Everything that is not ours is a tool's path. */
export const app = new Hono<Bindings>();

// Answers are authorised by signatures, never by cookies, so any origin may ask. The list of headers is echoed: clients of
// the x402 libraries send some that are response headers.
app.options('*', cors({ origin: '*', exposeHeaders: [EXPOSED], maxAge: 86_400 }));
// With any other method that middleware sets its headers before there is an answer, and then has every answer made anew.
app.use(async (context, next) => {
  await next();
  context.res.headers.set('Access-Control-Allow-Origin', '*');
  context.res.headers.set('Access-Control-Expose-Headers', EXPOSED);
});

app.get('/healthz', async (context) => {
  const config = configOf(context.env);
  return config.ok
    ? context.json({ status: config.value.paused ? 'paused' : 'ok' }, 200, {
        'Cache-Control': 'no-store',
      })
    : problem(config.error);
});

app.get('/.well-known/jwks.json', async (context) => {
  const signer = await openSigner(context.env.RECEIPT_KEY);
  return signer.ok
    ? context.json(signer.value.jwks, 200, { 'Cache-Control': 'public, max-age=300' })
    : problem(badKey);
});

app.get(DESCRIPTION_PATH, async (context) => {
  const config = configOf(context.env);
  const { description } = await import('./gateway/beside.ts');
  return config.ok
    ? context.json(description(config.value, audienceOf(config.value, context.req.url)), 200, {
        'Cache-Control': 'public, max-age=300',
      })
    : problem(config.error);
});

type Work = (gateway: Gateway, request: Request) => Promise<Response>;

/** Of this isolate. */
const spentProofs = openSpentProofs();

/** A gateway made of the environment, for one request. */
const gatewayOf = async ({
  env,
  executionCtx,
}: Context<Bindings>): Promise<Result<Gateway, Reason>> => {
  const config = configOf(env);
  if (!config.ok) return config;
  const signer = await openSigner(env.RECEIPT_KEY);
  if (!signer.ok) return err(badKey);
  return ok({
    config: config.value,
    catalogue: catalogueOf(env, config.value),
    signer: signer.value,
    ...settlingOf(env, config.value),
    account: (id) => env.AGENT_ACCOUNT.getByName(id),
    offeredGrants: openOfferedGrants(env.AUDIT_DB),
    shield: async (key) => (await env.SHIELD.limit({ key })).success,
    spentProofs,
    waitUntil: (promise) => executionCtx.waitUntil(promise),
  });
};

const served =
  (work: Work) =>
  async (context: Context<Bindings>): Promise<Response> => {
    const gateway = await gatewayOf(context);
    return gateway.ok ? work(gateway.value, context.req.raw) : problem(gateway.error);
  };

type Beside = Readonly<Record<'delegate' | 'lookUp' | 'revoke' | 'standing' | 'topUp', Work>>;

/** A work whose code is loaded when it is asked for. */
const beside =
  (choose: (works: Beside) => Work): Work =>
  async (gateway, request) =>
    choose(await import('./gateway/beside.ts'))(gateway, request);

/** The management API, whose code a paid call never evaluates. Never paused: who cuts a key off must not have to wait. */
const managed = async (context: Context<Bindings>): Promise<Response> => {
  const gateway = await gatewayOf(context);
  if (!gateway.ok) return problem(gateway.error);
  const { env, req } = context;
  const office: Office = {
    ...gateway.value,
    account: (id) => env.AGENT_ACCOUNT.getByName(id),
    relayer: (network) => env.RELAYER.getByName(network),
    db: env.AUDIT_DB,
    auditQueue: env.AUDIT_QUEUE,
    webhookQueue: env.WEBHOOK_QUEUE,
  };
  const { manage } = await import('./management/router.ts');
  return manage(office, req.raw);
};

/** While the gateway is paused nothing new begins. What has been can still be asked for, and paid back. */
const unlessPaused =
  (work: Work): Work =>
  async (gateway, request) =>
    gateway.config.paused ? problem({ reason: 'paused' }) : work(gateway, request);

const only = (method: string) => () => problem({ reason: 'method_not_allowed', allow: [method] });

app.post('/credits', served(unlessPaused(beside(({ topUp }) => topUp))));
app.all('/credits', only('POST'));
app.get('/calls/:call', served(beside(({ lookUp }) => lookUp)));
app.all('/calls/:call', only('GET'));
app.get('/accounts/me', served(beside(({ standing }) => standing)));
app.all('/accounts/me', only('GET'));
app.put('/delegations', served(unlessPaused(beside(({ delegate }) => delegate))));
app.all('/delegations', only('PUT'));
// Never paused: who cuts a key off must not have to wait.
app.post('/revocations', served(beside(({ revoke }) => revoke)));
app.all('/revocations', only('POST'));
app.all('/admin/*', managed);
app.all('/accounts/*', managed);
app.all('*', served(unlessPaused(call)));

app.onError((cause) => {
  console.error({ event: 'unhandled', cause: String(cause) });
  return problem({ reason: 'internal' });
});

const badKey: Reason = {
  reason: 'misconfigured',
  faults: [{ name: 'RECEIPT_KEY', reason: 'must be an Ed25519 private key as JWK' }],
};

/** The configuration of this isolate: variables do not change while it lives. */
let parsed: { readonly env: Env; readonly config: Result<Config, Reason> } | undefined;

export const configOf = (env: Env): Result<Config, Reason> => {
  if (parsed?.env === env) return parsed.config;
  const result = parseConfig(env, toolsJson);
  const config: Result<Config, Reason> = result.ok
    ? ok(result.value)
    : err({ reason: 'misconfigured', faults: result.error });
  parsed = { env, config };
  return config;
};

/** The catalogue of this isolate. */
let opened: { readonly env: Env; readonly catalogue: LiveCatalogue } | undefined;

const catalogueOf = (env: Env, config: Config): LiveCatalogue => {
  if (opened?.env === env) return opened.catalogue;
  const { tools, upstreamUrl, reach } = config;
  const self = gatewayAccount(config);
  const raise = raiser(env);
  const catalogue = openCatalogue({
    read: readToolsOf(() => env.AGENT_ACCOUNT.getByName(self)),
    raise: (alert) => raise(self, alert),
    start: { tools, documents: toolsJson.tools, upstreamUrl, reach },
  });
  opened = { env, catalogue };
  return catalogue;
};
