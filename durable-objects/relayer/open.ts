import { nowSeconds } from '../../src/core/clock.ts';
import { openNode } from '../../src/settlement/relayer/node.ts';
import { openAudience } from './audience.ts';
import { type Loop, openLoop } from './loop.ts';
import { readSetup } from './setup.ts';
import { openStore } from './store.ts';
import { wake } from './wake.ts';

/** The relayer of a network; undefined where there is no setting for one, or none that can be used. */
export const openRelayer = (context: DurableObjectState, env: Env): Loop | undefined => {
  const setup = readSetup(env as unknown as Record<string, unknown>, context.id.name);
  if (!setup.ok) {
    if (setup.error.kind === 'malformed') {
      console.error({ event: 'relayer_unsupported', variable: setup.error.variable });
    }
    return undefined;
  }
  const store = openStore(context.storage);
  return openLoop(
    {
      setup: setup.value,
      node: openNode(setup.value.urls, setup.value.address),
      store,
      memory: wake(store, setup.value.address),
      audience: openAudience(env, setup.value),
      now: nowSeconds,
    },
    context.storage,
  );
};

/** Whether anything in storage waits for a relayer. */
export const isAwaited = (storage: DurableObjectStorage): boolean => {
  const { pending, flights, reports } = openStore(storage).load();
  return pending.length + flights.length + reports.length > 0;
};
