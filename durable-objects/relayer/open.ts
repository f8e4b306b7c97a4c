import { nowSeconds } from '../../src/core/clock.ts';
import type { Address } from '../../src/core/hex.ts';
import { openNode } from '../../src/settlement/relayer/node.ts';
import { senderOf } from '../../src/settlement/relayer/transaction.ts';
import type { Disk } from '../store/disk.ts';
import { remove } from '../store/noun.ts';
import { openDisk } from '../store/open-disk.ts';
import { openSubscribers } from './context.ts';
import { FLIGHT } from './flight.ts';
import { type Loop, openLoop } from './loop.ts';
import { loadStored, type Memory, openMemory } from './memory.ts';
import { readSetup } from './setup.ts';

/** How long an object whose network was removed from `RELAYERS` waits for its settings: its payments are not lost (law 5). */
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
      memory: loadMemory(disk, setup.value.address),
      subscribers: openSubscribers(env, setup.value),
      now: nowSeconds,
    },
    storage,
  );
};

/** A relayer without settings: takes nothing, and waits for settings while it stores payments. */
const idle = (disk: Disk, storage: DurableObjectStorage): Loop => ({
  relay: async (relays) => relays.map(({ call }) => ({ call, verdict: 'unsupported' })),
  status: async () => ({ verdict: 'unconfigured' }),
  onAlarm: async () => {
    const { pending, flights, reports } = loadStored(disk);
    if (pending.length + flights.length + reports.length === 0) return;
    await storage.setAlarm(Date.now() + UNCONFIGURED_MS);
  },
});

/**
 * Loads the object's memory from storage. Transactions of an exchanged key are dropped, because they cannot be replaced with higher fees; their
 * payments go into new transactions. If both are mined, the second one moves nothing: a payment's nonce is used once.
 */
export const loadMemory = (disk: Disk, address: Address): Memory => {
  const stored = loadStored(disk);
  const old = stored.flights.filter(({ raw }) => senderOf(raw) !== address);
  if (old.length > 0) disk.write(old.map(({ nonce }) => remove(FLIGHT, nonce)));
  const { counters } = stored;
  return openMemory({
    ...stored,
    flights: stored.flights.filter((one) => !old.includes(one)),
    counters: counters.address === address ? counters : { ...counters, address, nextNonce: 0 },
  });
};
