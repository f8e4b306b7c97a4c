import type { CallRecord } from '../../../durable-objects/account/call/call-record.ts';
import { CALL } from '../../../durable-objects/account/call/stored-call.ts';
import type { Context, Decision } from '../../../durable-objects/account/decision.ts';
import {
  ACCOUNT,
  type AccountState,
  emptyAccount,
} from '../../../durable-objects/account/state.ts';
import { heldGrants } from '../../../durable-objects/account/tree/grants.ts';
import {
  ISSUED_LEASE,
  type IssuedLease,
} from '../../../durable-objects/account/tree/issued-lease.ts';
import { isDurable } from '../../../durable-objects/store/decision.ts';
import { put } from '../../../durable-objects/store/noun.ts';
import { valuesOf } from '../values-of.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { openMemoryStore } from '../memory-store.ts';
import { accountAt, BARE, BARE_HASH, hex } from './names.ts';

/** An account with its storage. A restart loses what was not committed. */
export const openKeeper = (index: number, clock: { readonly now: number }) => {
  const account: AccountId = accountAt(index);
  const store = openMemoryStore();
  const log: Entry[] = [];
  let state: AccountState = emptyAccount(account);
  let salt = 0;

  const leases = (): readonly IssuedLease[] => [...store.find(ISSUED_LEASE)];

  const context = (): Context => ({
    now: clock.now,
    policy: BARE,
    policyHash: BARE_HASH,
    salt: () => hex((salt += 1)),
    read: store,
    commandBytes: 1_073_741_824,
    leaseParts: (by) => {
      const live = leases().filter(({ until }) => until > clock.now);
      const within = live.filter(({ issued }) => issued === by).length;
      return (new Set(live.map(({ issued }) => issued)).size + 1) * Math.max(1, within);
    },
    released: () => 0,
    openSince: () => undefined,
    characters: () => 0,
  });

  return {
    index,
    account,
    /** All entries of the account, in order. */
    log,
    leases,
    call: (id: Hex): CallRecord | undefined => store.get(CALL, id),
    calls: (): readonly CallRecord[] => [...store.find(CALL)],
    context,
    state: (): AccountState => state,
    /** Decides on the state in memory, and stores durable writes in their encoded form. */
    decide<Verdict>(by: (state: AccountState, context: Context) => Decision<Verdict>): Verdict {
      const decision = by(state, context());
      const before = state.head.seq;
      ({ state } = decision);
      const written = valuesOf(decision.writes, CALL).flatMap(({ entries }) => entries);
      const added = [...decision.entries, ...written].filter(({ seq }) => seq > before);
      log.push(...added.toSorted((one, other) => one.seq - other.seq));
      if (isDurable(decision)) store.write([...decision.writes, put(ACCOUNT, state)]);
      return decision.verdict;
    },
    /** Restarts from storage. */
    restart(): void {
      const [stored = emptyAccount(account)] = store.find(ACCOUNT);
      state = { ...stored, held: heldGrants(store) };
    },
  };
};

export type Keeper = ReturnType<typeof openKeeper>;
