import { type Config, gatewayAccount } from './config.ts';
import { nowSeconds } from './core/clock.ts';
import { raiser } from './raise-alert.ts';
import { type Backends, openBackends } from './settlement/backends/registry.ts';
import { type HealthNews, openHealthNews } from './settlement/backends/record.ts';
import { type ChainHealth, openChainHealth } from './settlement/chain/health.ts';
import { openObserver } from './settlement/observer.ts';
import type { Presentations } from './settlement/present/presentations.ts';
import type { Observe } from './settlement/telemetry.ts';
import { openBackendAlert } from './webhooks/backend-alert.ts';

/** What an isolate knows of settlement, shared by its requests and its queue: what one finds out keeps the others from waiting for it. */
export type SettlingState = {
  readonly backends: Backends;
  readonly chainHealth: ChainHealth;
  /** What it has presented lately, so that a payment is not presented twice within two blocks. */
  readonly presentations: Presentations;
  readonly healthNews: HealthNews;
  readonly observe: Observe;
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
  const record = openObserver(env);
  const alert = openBackendAlert(gatewayAccount(config), raiser(env));
  const observe: Observe = (event) => {
    record(event);
    if (event.event === 'backend_rejects_bound') void keepAlive(alert(event, nowSeconds()));
  };
  const state: SettlingState = {
    backends: openBackends(config, {
      relayer: (network) => env.RELAYER.getByName(network),
      observe,
    }),
    chainHealth: openChainHealth(),
    presentations: new Map(),
    healthNews: openHealthNews(),
    observe,
  };
  opened = { env, state };
  return state;
};
