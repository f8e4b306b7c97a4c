import type { AccountId, AssetId } from '../../src/protocol/account-id.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { link } from '../../src/audit/entry.ts';
import { type Entry, type EntryBody } from '../../src/protocol/entry.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { CallRecord } from './call/record.ts';
import type { AccountState } from './state.ts';
import type { StoredDocument } from './commands/documents.ts';
import type { LeaseRow } from './tree/lessor.ts';
import type { StoredOrder } from './commands/ordered.ts';
import type { Transfer } from './commands/transfer.ts';
import type { DocumentType } from '../../src/protocol/account/document.ts';
import type { HeldGrant, IssuedGrant } from './tree/tree.ts';

/** What a decision may look at besides the account and the call's own record. */
export type Context = {
  readonly now: Seconds;
  readonly policy: Policy;
  readonly policyHash: Hex;
  /** How many bytes of log the commands of one account may write in a day. */
  readonly commandBytes: number;
  /** Whether the text of this hash stands in the account's log already. */
  readonly hasText: (hash: Hex) => boolean;
  /** 16 fresh random bytes for each entry. */
  readonly salt: () => Hex;
  /** The call that a payment-identifier was first used for; undefined where none, or it is forgotten. */
  readonly callNamed: (identifier: Hex) => Hex | undefined;
  /** Credit that went to or came from another account so far; all zero where none did. */
  readonly transferWith: (peer: string, asset: AssetId) => Transfer;
  /** What an account below has by one grant; undefined where it has never asked. */
  readonly leaseOf: (child: AccountId, issued: Hex) => LeaseRow | undefined;
  readonly issuedGrant: (hash: Hex) => IssuedGrant | undefined;
  readonly issuedById: (id: Hex) => IssuedGrant | undefined;
  readonly isRevoked: (id: Hex) => boolean;
  /** Whether it has issued grants as an owner, on none of its own. */
  readonly ownsOthers: () => boolean;
  /** How many grants it has issued. */
  readonly issuedCount: () => number;
  /** An order that was carried out by this intent. */
  readonly orderOf: (digest: Hex) => StoredOrder | undefined;
  /** How many of them are remembered. */
  readonly ordersKept: () => number;
  /** What the account keeps for the gateway; undefined where it was never told of it. */
  readonly documentOf: (type: DocumentType, name: string) => StoredDocument | undefined;
  readonly documentNames: (type: DocumentType) => readonly string[];
  /** Into how many equal parts what is left is divided for a holder of this grant (`Lessees`). */
  readonly leaseParts: (issued: Hex) => number;
  /** Calls that failed, or may, and whose payments can still move: each costs nothing, and is remembered until its authorization ends. */
  readonly released: () => number;
  /** Since when the longest open of its delivered payments has waited for the chain; undefined where none does. */
  readonly openSince: (asset: AssetId) => Seconds | undefined;
};

/**
 * What a decision wants written, and its answer. Pure data: the object writes a whole group of them in one transaction and
 * only then answers (design §5). `durable: false` with an unchanged state writes nothing at all (law 12).
 */
export type Decision<Verdict> = {
  readonly state: AccountState;
  readonly records: readonly CallRecord[];
  /** Entries that belong to no call row. */
  readonly loose: readonly Entry[];
  readonly transfers?: readonly Transfer[];
  readonly leases?: readonly LeaseRow[];
  readonly issued?: readonly IssuedGrant[];
  readonly held?: readonly HeldGrant[];
  /** Held grants whose rows go. */
  readonly dropped?: readonly Hex[];
  /** Ids that are dead from now on. */
  readonly revoked?: readonly Hex[];
  readonly orders?: readonly StoredOrder[];
  readonly documents?: readonly StoredDocument[];
  /** Hashes of texts that an entry of this decision carries. */
  readonly texts?: readonly Hex[];
  /** Calls of which the settlement queue is to be told anew. */
  readonly resend?: readonly Hex[];
  readonly durable: boolean;
  readonly verdict: Verdict;
};

/** An answer that changes nothing. */
export const unchanged = <Verdict>(state: AccountState, verdict: Verdict): Decision<Verdict> => ({
  state,
  records: [],
  loose: [],
  durable: false,
  verdict,
});

/** A change of one call's record. */
export const changed = <Verdict>(
  state: AccountState,
  record: CallRecord,
  verdict: Verdict,
): Decision<Verdict> => ({ state, records: [record], loose: [], durable: true, verdict });

/** Appends an entry to the account's chain and to the call it tells of. */
export const append = (
  state: AccountState,
  record: CallRecord,
  context: Context,
  body: Omit<EntryBody, 'at' | 'call' | 'tool' | 'request'>,
): { readonly state: AccountState; readonly record: CallRecord; readonly hash: Hex } => {
  const { entry, head } = link(state.head, state.account, context.salt(), {
    ...body,
    at: context.now,
    call: record.id,
    tool: record.tool,
    request: record.request,
  });
  return {
    state: { ...state, head },
    record: { ...record, entries: [...record.entries, entry] },
    hash: head.hash,
  };
};
