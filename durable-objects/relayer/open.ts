import { nowSeconds } from '../../src/core/clock.ts';
import { openNode } from '../../src/settlement/relayer/node.ts';
import { isTooLate } from '../../src/settlement/relayer/pending.ts';
import type { Disk } from '../store/disk.ts';
import { openDisk } from '../store/open-disk.ts';
import { openSubscribers } from './context.ts';
import { type Loop, openLoop } from './loop.ts';
import { loadStored, openMemory } from './memory.ts';
import { GIVEN_UP } from './report.ts';
import { readSetup } from './setup.ts';

/** How long an object whose key was removed from `RELAYERS` waits for its settings. */
const UNCONFIGURED_MS = 300_000;

/** Opens the relayer of an object with the current settings. */
export const openRelayer = ({ id, storage }: DurableObjectState, env: Env): Loop => {
  const setup = readSetup(env as unknown as Record<string, unknown>, id.name);
  const disk = openDisk(storage);
  if (!setup.ok) {
    if (setup.error.kind === 'malformed') {
      console.error({ event: 'relayer_unsupported', variable: setup.error.variable });
    }
    return idle(disk, storage);
  }
  return openLoop(
    {
      setup: setup.value,
      node: openNode(setup.value.urls, setup.value.address),
      disk,
      memory: openMemory(loadStored(disk)),
      subscribers: openSubscribers(env, setup.value),
      now: nowSeconds,
    },
    storage,
  );
};

/**
 * A relayer without settings: takes nothing. It waits for settings while its payments can still move; accounts meanwhile present them
 * again, to another backend (law 5).
 */
const idle = (disk: Disk, storage: DurableObjectStorage): Loop => ({
  relay: async (relays) => relays.map(({ call }) => ({ call, verdict: 'unsupported' })),
  status: async () => ({ verdict: 'unconfigured' }),
  onAlarm: async () => {
    const { pending, flights, reports } = loadStored(disk);
    if (pending.length + flights.length + reports.length === 0) return;
    const now = nowSeconds();
    const isOver =
      pending.every((one) => isTooLate(one, now)) && reports.every(({ at }) => now - at > GIVEN_UP);
    if (isOver) await storage.deleteAll();
    else await storage.setAlarm(Date.now() + UNCONFIGURED_MS);
  },
});
