import { openOfferedGrants } from '../audit/offered-grants.ts';
import { gatewayAccount } from '../config/config.ts';
import { err, ok, type Result } from '../core/result.ts';
import { openSigner } from '../crypto/signer.ts';
import { openBatchedAccounts } from '../gateway/batched-accounts.ts';
import type { BoundFetcher, Gateway } from '../gateway/gateway.ts';
import { openReplayCache } from '../gateway/replay.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { raiser } from '../webhooks/alerts.ts';
import type { VaultDeps } from '../vault/vault.ts';
import type { Deployment } from './deployment.ts';
import { settlingOf } from './settling.ts';

export const badKey: Reason = {
  reason: 'misconfigured',
  faults: [{ name: 'RECEIPT_KEY', reason: 'must be an Ed25519 private key as JWK' }],
};

/** One instance per isolate. */
const replayCache = openReplayCache();

/** The parts of a gateway that all requests to an environment share. */
type Shared = Omit<Gateway, 'account' | 'openEgress' | 'openCard' | 'waitUntil'>;

const openShared = async (
  { configOf, catalogueOf }: Deployment,
  env: Env,
): Promise<Result<Shared, Reason>> => {
  const read = configOf(env);
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
    raise: (alert) => raise(gatewayAccount(config), alert),
    service: (name) =>
      config.services.includes(name) ? (Reflect.get(env, name) as BoundFetcher) : undefined,
    rateLimit: async (key) => (await env.SHIELD.limit({ key })).success,
    replayCache,
  });
};

/** Returns the gateway of an environment for one request. */
export type GatewayOf = (
  env: Env,
  context: Pick<ExecutionContext, 'waitUntil'>,
) => Promise<Result<Gateway, Reason>>;

/** Opens the gateway of an isolate. It keeps what requests share for the last environment: an isolate has one. */
export const openGateways = (deployment: Deployment): GatewayOf => {
  let opened: { readonly env: Env; readonly shared: Result<Shared, Reason> } | undefined;
  return async (env, context) => {
    const { shared } =
      opened?.env === env ? opened : (opened = { env, shared: await openShared(deployment, env) });
    if (!shared.ok) return shared;
    const { config, raise } = shared.value;
    const waitUntil: Gateway['waitUntil'] = (promise) => context.waitUntil(promise);
    const vault = (): VaultDeps => {
      const { upstreamUrl, reach } = config;
      const owner = gatewayAccount(config);
      return { db: env.AUDIT_DB, env, owner, upstreamUrl, reach, raise, waitUntil };
    };
    return ok({
      ...shared.value,
      account: openBatchedAccounts((id) => env.AGENT_ACCOUNT.getByName(id)),
      /** Loads the vault with the first call of a tool that has secrets. */
      openEgress: async (tool) => (await import('../vault/vault.ts')).openEgress(vault(), tool),
      /** Loads cards with the first call of a tool that has one. */
      openCard: async (tool) => (await import('../cards/open-card.ts')).openCard(vault(), tool),
      waitUntil,
    });
  };
};
