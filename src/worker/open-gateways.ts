import { openOfferedGrants } from '../audit/offered-grants.ts';
import { gatewayAccount } from '../config/config.ts';
import { err, ok, type Result } from '../core/result.ts';
import { openSigner } from '../crypto/signer.ts';
import { openBatchedAccounts } from '../gateway/batched-accounts.ts';
import type { BoundFetcher, Gateway } from '../gateway/gateway.ts';
import { openReplayCache } from '../gateway/replay.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { openScreening } from '../screening/screening.ts';
import { raiser } from '../webhooks/alerts.ts';
import { openTrace, type Trace } from '../tracing/trace.ts';
import type { VaultDeps } from '../vault/vault.ts';
import type { Deployment } from './deployment.ts';
import { settlingOf } from './settling.ts';
import { objectOf } from '../protocol/jurisdiction.ts';

export const badKey: Reason = {
  reason: 'misconfigured',
  faults: [{ name: 'RECEIPT_KEY', reason: 'must be an Ed25519 private key as JWK' }],
};

/** One instance per isolate. */
const replayCache = openReplayCache();

/** The parts of a gateway that all requests to an environment share. */
type Shared = Omit<Gateway, 'account' | 'openEgress' | 'openCard' | 'trace' | 'waitUntil'>;

const openShared = async (
  { placedConfigOf, catalogueOf }: Deployment,
  env: Env,
): Promise<Result<Shared, Reason>> => {
  const read = await placedConfigOf(env);
  if (!read.ok) return read;
  const config = read.value;
  const signer = await openSigner(env.RECEIPT_KEY);
  if (!signer.ok) return err(badKey);
  const raise = raiser(env);
  return ok({
    config,
    catalogue: catalogueOf(env, config),
    signer: signer.value,
    ...settlingOf(env, config),
    offeredGrants: openOfferedGrants(env.AUDIT_DB),
    screening: openScreening(env, config.reach),
    raise: (alert) => raise(gatewayAccount(config), alert),
    service: (name) =>
      config.services.includes(name) ? (Reflect.get(env, name) as BoundFetcher) : undefined,
    rateLimit: async (key) => (await env.SHIELD.limit({ key })).success,
    replayCache,
  });
};

/** Loads what records the steps of a traced request. A request whose trace cannot be loaded is served without. */
const openSteps = async (traced: Promise<Trace>): Promise<Gateway['trace']> => {
  const [trace, steps] = await Promise.all([
    traced,
    import('../gateway/call-trace.ts').catch(() => undefined),
  ]);
  return trace && steps?.openCallTrace(trace);
};

/** Returns the gateway of an environment for one request. */
export type GatewayOf = (
  env: Env,
  context: Pick<ExecutionContext, 'waitUntil'>,
) => Promise<Result<Gateway, Reason>>;

/** Opens the gateway of an isolate. It keeps what requests share for the last environment: an isolate has one. */
export const openGateways = (deployment: Deployment): GatewayOf => {
  let opened: { readonly env: Env; readonly shared: Shared } | undefined;
  return async (env, context) => {
    const shared = opened?.env === env ? ok(opened.shared) : await openShared(deployment, env);
    // A database that does not answer now may answer the next request.
    if (!shared.ok) return shared;
    if (opened?.env !== env) opened = { env, shared: shared.value };
    const { config, raise } = shared.value;
    const traced = openTrace();
    const waitUntil: Gateway['waitUntil'] = (promise) => context.waitUntil(promise);
    const vault = (): VaultDeps => {
      const { upstreamUrl, reach } = config;
      const owner = gatewayAccount(config);
      return { db: env.AUDIT_DB, env, owner, upstreamUrl, reach, raise, waitUntil };
    };
    return ok({
      ...shared.value,
      account: openBatchedAccounts((id) => objectOf(env, env.AGENT_ACCOUNT, id)),
      /** Loads the vault with the first call of a tool that has secrets. */
      openEgress: async (tool) => (await import('../vault/vault.ts')).openEgress(vault(), tool),
      /** Loads cards with the first call of a tool that has one. */
      openCard: async (tool) => (await import('../cards/open-card.ts')).openCard(vault(), tool),
      ...(traced === undefined ? {} : { trace: await openSteps(traced) }),
      waitUntil,
    });
  };
};
