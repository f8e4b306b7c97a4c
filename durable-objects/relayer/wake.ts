import type { Address } from '../../src/core/hex.ts';
import { senderOf } from '../../src/settlement/relayer/transaction.ts';
import { type Memory, openMemory } from './memory.ts';
import type { Store } from './store.ts';

/**
 * What an object knows when it wakes. Transactions of a key that was exchanged for another are given up: nobody can offer more for
 * them, and what they carry goes into new ones. Should both be mined, the second moves nothing, for nonces of payments are used once.
 */
export const wake = (store: Store, address: Address): Memory => {
  const stored = store.load();
  const old = stored.flights.filter(({ raw }) => senderOf(raw) !== address);
  if (old.length > 0) store.write({ landed: old.map(({ nonce }) => nonce) });
  const { counters } = stored;
  return openMemory({
    ...stored,
    flights: stored.flights.filter((one) => !old.includes(one)),
    counters: counters.address === address ? counters : { ...counters, address, nextNonce: 0 },
  });
};
