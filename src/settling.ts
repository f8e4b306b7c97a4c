import { type Config, gatewayAccount } from './config.ts';
import { nowSeconds } from './core/clock.ts';
import { raiser } from './raise-alert.ts';
import { type Backends, openBackends } from './settlement/backends/registry.ts';
import { type HealthChanges, openHealthChanges } from './settlement/operator-tables.ts';
import { type ChainHealth, openChainHealth } from './settlement/chain/health.ts';
import { openEmit } from './settlement/telemetry.ts';
import type { Presentations } from './settlement/present/presentations.ts';
import type { Emit } from './settlement/telemetry.ts';
import { openBackendAlert } from './webhooks/backend-alert.ts';

/** What an isolate knows of settlement, shared by its requests and its queue: what one finds out keeps the others from waiting for it. */
export type SettlingState = {
  readonly backends: Backends;
  readonly chainHealth: ChainHealth;
  /** What it has presented lately, so that a payment is not presented twice within two blocks. */
  readonly presentations: Presentations;
  readonly healthChanges: HealthChanges;
  readonly emit: Emit;
};

/** Keeps the invocation alive for a promise. Imported late, because only workerd has this module and requests rarely need it. */
const keepAlive = async (promise: Promise<unknown>): Promise<void> => {
  const { waitUntil } = await import('cloudflare:workers');
  waitUntil(promise);
};

let opened: { readonly env: Env; readonly state: SettlingState } | undefined;

/** Opened once an isolate: variables do not change while it lives. */
export const settlingOf = (env: Env, config: Config): SettlingState => {
  if (opened?.env === env) return opened.state;
  const record = openEmit(env);
  const alert = openBackendAlert(gatewayAccount(config), raiser(env));
  const emit: Emit = (event) => {
    record(event);
    if (event.event === 'backend_rejects_bound') void keepAlive(alert(event, nowSeconds()));
  };
  const state: SettlingState = {
    backends: openBackends(config, {
      relayer: (network) => env.RELAYER.getByName(network),
      emit,
    }),
    chainHealth: openChainHealth(),
    presentations: new Map(),
    healthChanges: openHealthChanges(),
    emit,
  };
  opened = { env, state };
  return state;
};
