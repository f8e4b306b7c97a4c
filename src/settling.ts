import { waitUntil } from 'cloudflare:workers';
import { type Config, gatewayAccount } from './config.ts';
import { nowSeconds } from './core/clock.ts';
import { raiser } from './raise-alert.ts';
import { type Backends, openBackends } from './settlement/backends/backends.ts';
import { type HealthNews, openHealthNews } from './settlement/backends/record.ts';
import { type ChainHealth, openChainHealth } from './settlement/chain-health.ts';
import { openObserver } from './settlement/observer.ts';
import type { Presentations } from './settlement/presentations.ts';
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

let opened: { readonly env: Env; readonly state: SettlingState } | undefined;

/** Opened once an isolate: variables do not change while it lives. */
export const settlingOf = (env: Env, config: Config): SettlingState => {
  if (opened?.env === env) return opened.state;
  const record = openObserver(env);
  const alert = openBackendAlert(gatewayAccount(config), raiser(env));
  const observe: Observe = (event) => {
    record(event);
    if (event.event === 'backend_rejects_bound') waitUntil(alert(event, nowSeconds()));
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
