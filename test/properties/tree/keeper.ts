import {
  decodeAccount,
  decodeCall,
  encodeAccount,
  encodeCall,
  type Row,
} from '../../../durable-objects/account/codec.ts';
import type { Context, Decision } from '../../../durable-objects/account/decision.ts';
import type { LeaseRow } from '../../../durable-objects/account/tree/lessor.ts';
import type { CallRecord } from '../../../durable-objects/account/call/record.ts';
import { type AccountState, emptyAccount } from '../../../durable-objects/account/state.ts';
import { TABLES, TREE_TABLES } from '../../../durable-objects/account/tables.ts';
import {
  keyOf,
  noTransfer,
  type Transfer,
} from '../../../durable-objects/account/commands/transfer.ts';
import {
  decodeHeld,
  decodeIssued,
  decodeLease,
  encodeHeld,
  encodeIssued,
  encodeLease,
} from '../../../durable-objects/account/tree/tree-codec.ts';
import { lesseeKey } from '../../../durable-objects/account/tree/tree-storage.ts';
import {
  type HeldGrant,
  type IssuedGrant,
  isZero,
} from '../../../durable-objects/account/tree/tree.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { accountAt, BARE, BARE_HASH, hex } from './names.ts';

const columnsOf = (tables: string, table: string): readonly string[] => {
  const [, made = ''] = tables.split(`EXISTS ${table} (`);
  return [...(made.split('STRICT')[0] ?? '').matchAll(/^ {2}(\w+) (?!KEY)/gm)].map(
    ([, name]) => name as string,
  );
};
const ACCOUNT = columnsOf(TABLES, 'account').filter((name) => name !== 'one' && name !== 'version');
const CALLS = columnsOf(TABLES, 'calls');
const LEASES = columnsOf(TREE_TABLES, 'leases');
const GRANTS = columnsOf(TREE_TABLES, 'grants');

/** A row as SQLite would give it back. */
const rowOf = (columns: readonly string[], values: readonly SqlStorageValue[]): Row =>
  Object.fromEntries(columns.map((name, at) => [name, values[at] ?? null]));

/** One account with its storage: what was not committed is gone after a restart. */
export const openKeeper = (index: number, clock: { readonly now: number }) => {
  const account: AccountId = accountAt(index);
  const leases = new Map<string, LeaseRow>();
  const issued = new Map<Hex, IssuedGrant>();
  const held = new Map<Hex, HeldGrant>();
  const revoked = new Set<Hex>();
  const calls = new Map<Hex, CallRecord>();
  const transfers = new Map<string, Transfer>();
  let state: AccountState = emptyAccount(account);
  let stored = state;
  let salt = 0;

  const context = (): Context => ({
    now: clock.now,
    policy: BARE,
    policyHash: BARE_HASH,
    salt: () => hex((salt += 1)),
    transferWith: (peer, asset) => transfers.get(keyOf({ peer, asset })) ?? noTransfer(peer, asset),
    callNamed: () => undefined,
    leaseOf: (child, by) => leases.get(lesseeKey({ child, issued: by })),
    issuedGrant: (hash) => issued.get(hash),
    issuedById: (id) => [...issued.values()].find(({ grant }) => grant.delegation.id === id),
    isRevoked: (id) => revoked.has(id),
    ownsOthers: () => [...issued.values()].some(({ grant }) => isZero(grant.delegation.parent)),
    issuedCount: () => issued.size,
    orderOf: () => undefined,
    ordersKept: () => 0,
    documentOf: () => undefined,
    documentNames: () => [],
    commandBytes: 1_073_741_824,
    hasText: () => false,
    leaseParts: (by) => {
      const live = [...leases.values()].filter(({ until }) => until > clock.now);
      const within = live.filter(({ issued: each }) => each === by).length;
      return (new Set(live.map(({ issued: each }) => each)).size + 1) * Math.max(1, within);
    },
    released: () => 0,
    openSince: () => undefined,
  });

  return {
    index,
    account,
    leases,
    calls,
    context,
    state: (): AccountState => state,
    /** Decides on what memory holds; what is durable is stored, in the form that storage has. */
    decide<Verdict>(by: (state: AccountState, context: Context) => Decision<Verdict>): Verdict {
      const decision = by(state, context());
      ({ state } = decision);
      const { records, loose, durable, verdict } = decision;
      if (!durable) {
        const more = [decision.leases, decision.issued, decision.held, decision.revoked];
        if ([records, loose, ...more].some((list) => (list ?? []).length > 0)) {
          throw new Error('a decision that is not durable has something to write');
        }
        return verdict;
      }
      stored = state;
      for (const each of records) calls.set(each.id, each);
      for (const each of decision.transfers ?? []) transfers.set(keyOf(each), each);
      for (const each of decision.revoked ?? []) revoked.add(each);
      for (const each of decision.leases ?? []) {
        leases.set(lesseeKey(each), decodeLease(rowOf(LEASES, encodeLease(each))));
      }
      for (const each of decision.issued ?? []) {
        issued.set(each.grant.hash, decodeIssued(rowOf(GRANTS, encodeIssued(each))));
      }
      for (const each of decision.held ?? []) held.set(each.grant.hash, each);
      for (const hash of decision.dropped ?? []) held.delete(hash);
      return verdict;
    },
    /** Wakes up with nothing but its storage. */
    restart(): void {
      const known = [...held.values()]
        .map((each) => decodeHeld(rowOf(GRANTS, encodeHeld(each))))
        .toSorted(
          (a, b) => a.registeredAt - b.registeredAt || (a.grant.hash < b.grant.hash ? -1 : 1),
        );
      state = decodeAccount(rowOf(ACCOUNT, encodeAccount(stored)), known);
      stored = state;
      for (const [id, record] of calls) {
        if (record.state !== 'held') continue;
        calls.set(id, decodeCall(rowOf(CALLS, encodeCall(record, null))));
      }
    },
  };
};

export type Keeper = ReturnType<typeof openKeeper>;
