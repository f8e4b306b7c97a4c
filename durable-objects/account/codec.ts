import { entryText } from '../../src/audit/entry.ts';
import { type Entry } from '../../src/protocol/entry.ts';
import { toStored } from '../../src/protocol/amount.ts';
import type { AccountId, AssetId } from '../../src/protocol/account-id.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { CallRecord, HeldPayment } from './call/record.ts';
import { type AccountState, type DenialBucket, EMPTY_PURSE, type Purse } from './state.ts';
import { decodeTree, encodeTree } from './tree/tree-codec.ts';
import type { Transfer } from './commands/transfer.ts';

/**
 * Rows to records and back. Every amount passes `toStored`, which refuses what SQLite would silently round; JSON columns hold the
 * same checked numbers.
 */
export type Row = Record<string, SqlStorageValue>;

export const encodeAccount = (state: AccountState): SqlStorageValue[] => [
  state.account,
  state.head.seq,
  state.head.hash,
  state.exported,
  state.hasCode ? 1 : 0,
  state.factsAt,
  state.factsBlock,
  state.arrival,
  state.denialArrival,
  state.failureArrival,
  JSON.stringify(state.purses, amountsAsNumbers),
  JSON.stringify(state.denials),
  encodeTree(state.tree),
];

export const decodeAccount = (row: Row, held: AccountState['held']): AccountState => ({
  account: row.account as AccountState['account'],
  head: { seq: row.head_seq as number, hash: row.head_hash as Hex },
  exported: row.exported as number,
  hasCode: row.has_code === 1,
  factsAt: row.facts_at as number,
  factsBlock: row.facts_block as number,
  arrival: row.arrival as number,
  denialArrival: row.denial_arrival as number,
  failureArrival: row.failure_arrival as number,
  purses: decodePurses(row.purses as string),
  denials: JSON.parse(row.denials as string) as DenialBucket[],
  tree: decodeTree(row.tree as string | null),
  held,
  leases: {},
  grantChecks: {},
});

export const encodeCall = (record: CallRecord, pruneAt: number | null): SqlStorageValue[] => [
  record.id,
  record.state,
  record.payment,
  record.paidBy,
  record.looked ? 1 : 0,
  record.entries.at(-1)?.seq ?? 0,
  pruneAt,
  record.attempt,
  record.request,
  record.tool,
  record.onSilence,
  record.timeoutSeconds,
  record.asset,
  toStored(record.price),
  toStored(record.charged),
  record.acceptedAt,
  record.dispatchedAt,
  record.holdUntil,
  record.validBefore,
  record.sinceBlock,
  record.identifier ?? null,
  record.transaction ?? null,
  record.acceptedEntry,
  record.finishedEntry ?? null,
  record.policy,
  JSON.stringify(record.windows),
  record.held === undefined ? null : JSON.stringify(record.held, amountsAsText),
  `[${record.entries.map(entryText).join(',')}]`,
  record.answer === undefined ? null : JSON.stringify(record.answer),
  record.topUp ?? null,
  record.grant === undefined ? null : JSON.stringify([record.grant, ...record.draws]),
];

export const encodeTransfer = (transfer: Transfer): SqlStorageValue[] => [
  transfer.peer,
  transfer.asset,
  toStored(transfer.sent),
  toStored(transfer.acknowledged),
  toStored(transfer.received),
];

export const decodeTransfer = (row: Row): Transfer => ({
  peer: row.peer as string,
  asset: row.asset as AssetId,
  sent: BigInt(row.sent as number),
  acknowledged: BigInt(row.acknowledged as number),
  received: BigInt(row.received as number),
});

export const decodeCall = (row: Row): CallRecord => ({
  ...decodeAuthority(row.authority as string | null),
  id: row.id as Hex,
  state: row.state as CallRecord['state'],
  payment: row.payment as CallRecord['payment'],
  paidBy: row.paid_by as CallRecord['paidBy'],
  looked: row.looked === 1,
  attempt: row.attempt as Hex,
  request: row.request as Hex,
  tool: row.tool as string,
  onSilence: row.on_silence as CallRecord['onSilence'],
  timeoutSeconds: row.timeout_seconds as number,
  asset: row.asset as AssetId,
  price: BigInt(row.price as number),
  charged: BigInt(row.charged as number),
  acceptedAt: row.accepted_at as number,
  dispatchedAt: row.dispatched_at as number,
  holdUntil: row.hold_until as number,
  validBefore: row.valid_before as number,
  sinceBlock: row.since_block as number,
  identifier: (row.identifier as Hex | null) ?? undefined,
  transaction: (row.transaction_hash as Hex | null) ?? undefined,
  acceptedEntry: row.accepted_entry as Hex,
  finishedEntry: (row.finished_entry as Hex | null) ?? undefined,
  policy: row.policy as Hex,
  windows: JSON.parse(row.windows as string) as string[],
  held: row.held === null ? undefined : decodeHeld(row.held as string),
  topUp: (row.top_up as AccountId | null) ?? undefined,
  entries: JSON.parse(row.entries as string) as Entry[],
  answer:
    row.answer === null ? undefined : (JSON.parse(row.answer as string) as CallRecord['answer']),
});

const amountsAsNumbers = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? toStored(value) : value;

/** Signed values may be as large as a uint256 (a `validBefore`), so they rest as text. */
const amountsAsText = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;

const PLAIN_NUMBERS = new Set([
  'balanceBlock',
  'balanceAt',
  'bouncedUntil',
  'settledBlock',
  'start',
]);

const decodePurses = (text: string): Record<AssetId, Purse> => {
  const purses = JSON.parse(text, (key, value: unknown) =>
    typeof value === 'number' && !PLAIN_NUMBERS.has(key) ? BigInt(value) : value,
  ) as Record<AssetId, Purse>;
  // What an older layout did not know was nothing.
  return Object.fromEntries(
    Object.entries(purses).map(([asset, purse]) => [asset, { ...EMPTY_PURSE, ...purse }]),
  );
};

const decodeAuthority = (text: string | null): Pick<CallRecord, 'grant' | 'draws'> => {
  const [grant, ...draws] = text === null ? [] : (JSON.parse(text) as [Hex, ...string[]]);
  return { grant, draws };
};

const decodeHeld = (text: string): HeldPayment => {
  const held = JSON.parse(text) as HeldPayment;
  const { from, to, value, validAfter, validBefore, nonce } = held.authorization;
  return {
    ...held,
    authorization: {
      from,
      to,
      value: BigInt(value),
      validAfter: BigInt(validAfter),
      validBefore: BigInt(validBefore),
      nonce,
    },
  };
};
