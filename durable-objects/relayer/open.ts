import { nowSeconds } from '../../src/core/clock.ts';
import { openNode } from '../../src/settlement/relayer/node.ts';
import { openAudience } from './audience.ts';
import { type Loop, openLoop } from './loop.ts';
import { readSetup } from './setup.ts';
import { openStore, type Store } from './store.ts';
import { wake } from './wake.ts';

/** How long an object that was set up once, and is no more, waits for its settings: what it holds is not lost (law 5). */
const UNCONFIGURED_MS = 300_000;

/** The relayer of an object, by the settings of now. */
export const openRelayer = ({ id, storage }: DurableObjectState, env: Env): Loop => {
  const setup = readSetup(env as unknown as Record<string, unknown>, id.name);
  const store = openStore(storage);
  if (!setup.ok) {
    if (setup.error.kind === 'malformed') {
      console.error({ event: 'relayer_unsupported', variable: setup.error.variable });
    }
    return idle(store, storage);
  }
  return openLoop(
    {
      setup: setup.value,
      node: openNode(setup.value.urls, setup.value.address),
      store,
      memory: wake(store, setup.value.address),
      audience: openAudience(env, setup.value),
      now: nowSeconds,
    },
    storage,
  );
};

/** No relayer: takes nothing, and waits for its settings while it holds something. */
const idle = (store: Store, storage: DurableObjectStorage): Loop => ({
  relay: async (relays) => relays.map(({ call }) => ({ call, verdict: 'unsupported' })),
  status: async () => ({ verdict: 'unconfigured' }),
  ring: async () => {
    const { pending, flights, reports } = store.load();
    if (pending.length + flights.length + reports.length === 0) return;
    await storage.setAlarm(Date.now() + UNCONFIGURED_MS);
  },
});
