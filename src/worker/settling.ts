import { type Config, gatewayAccount } from '../config/config.ts';
import { nowSeconds } from '../core/clock.ts';
import { openBackendAlert, raiser } from '../webhooks/alerts.ts';
import { type Backends, openBackends } from '../settlement/backends/registry.ts';
import { type ChainHealth, openChainHealth } from '../settlement/chain/health.ts';
import type { SharedWatches } from '../settlement/chain/shared-watch.ts';
import { type HealthChanges, openHealthChanges } from '../settlement/operator-tables.ts';
import type { Presentations } from '../settlement/present/presentations.ts';
import { type Emit, openEmit } from '../settlement/telemetry.ts';
import { objectOf } from '../protocol/jurisdiction.ts';

/** The settlement state of one isolate. Requests and queue share it: a backend that failed for one is paused for all. */
export type SettlingState = {
  readonly backends: Backends;
  readonly chainHealth: ChainHealth;
  /** The settlements that requests wait for. */
  readonly watches: SharedWatches;
  /** The last presentations, so that a payment is not presented twice within two blocks. */
  readonly presentations: Presentations;
  readonly healthChanges: HealthChanges;
  readonly emit: Emit;
};

let opened: { readonly env: Env; readonly state: SettlingState } | undefined;

/** Returns the settlement state, opened once per isolate: its environment does not change. */
export const settlingOf = (env: Env, config: Config): SettlingState => {
  if (opened?.env === env) return opened.state;
  const record = openEmit(env);
  const alert = openBackendAlert(gatewayAccount(config), raiser(env));
  const emit: Emit = (event) => {
    record(event);
    if (event.event === 'backend_rejects_bound') void keepAlive(alert(event, nowSeconds()));
  };
  const state: SettlingState = {
    backends: openBackends(
      { ...config, networks: [...config.payees.keys()] },
      {
        relayer: (key) => objectOf(env, env.RELAYER, key),
        emit,
      },
    ),
    chainHealth: openChainHealth(),
    watches: new Map(),
    presentations: new Map(),
    healthChanges: openHealthChanges(),
    emit,
  };
  opened = { env, state };
  return state;
};

/** Keeps the invocation alive for a promise. Imported late: only workerd has this module, and few requests need it. */
const keepAlive = async (promise: Promise<unknown>): Promise<void> => {
  const { waitUntil } = await import('cloudflare:workers');
  waitUntil(promise);
};
