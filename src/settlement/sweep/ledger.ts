import { type AccountId, accountId, type Network } from '../../protocol/account-id.ts';
import { type Address, type Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import type { ChainPayment } from './movement.ts';
import { type Blocks, chunks } from './window.ts';

/** What the ledger says of a call's payment; `open`: it was accepted, and has not ended. */
export type LedgerState = 'settled' | 'failed' | 'released' | 'open';

export type LedgerPayment = {
  readonly account: AccountId;
  /** Its nonce. */
  readonly call: Hex;
  readonly state: LedgerState;
  readonly amount?: bigint;
  readonly transaction?: Hex;
  readonly block?: number;
  /** Whom it paid, where calls kept that. */
  readonly payee?: Address;
  readonly acceptedAt: Seconds;
};

export type LedgerKey = Pick<LedgerPayment, 'account' | 'call'>;

/** Names a payment. */
export const keyOf = ({ account, call }: LedgerKey): string => `${account} ${call}`;

/** The ledger's name of a chain's payment: the nonce is the call. */
export const ledgerKey = (network: Network, { payer, nonce }: ChainPayment): LedgerKey => ({
  account: accountId(network, payer),
  call: nonce,
});

/** Keys of one statement: its one parameter holds at most two million bytes. */
const KEYS = 1_000;

const COLUMNS = `c.account, c.call, c.payee, c.accepted_at, coalesce(p.state, 'open') AS state, p.amount, p.transaction_hash, p.block`;

export const BY_KEY = `
SELECT ${COLUMNS} FROM json_each(?1) k
CROSS JOIN calls c ON c.account = k.value ->> 0 AND c.call = k.value ->> 1
LEFT JOIN payments p ON p.account = c.account AND p.call = c.call`;

/** What the ledger says of these payments; what it does not know is missing. By primary key: whoever pays by the million costs one look each. */
export const findPayments = async (
  db: D1Database,
  keys: readonly LedgerKey[],
): Promise<readonly LedgerPayment[]> => {
  const found: LedgerPayment[] = [];
  for (const some of chunks(keys, KEYS)) {
    const names = JSON.stringify(some.map(({ account, call }) => [account, call]));
    const { results } = await db.prepare(BY_KEY).bind(names).all<Row>();
    found.push(...results.map(paymentOf));
  }
  return found;
};

/** Settlements that one window may hold: of more, fewer blocks are read. */
const MOST_SETTLED = 10_000;

/**
 * An authorization is good for at most 3,660 seconds after its acceptance (design §4.2), and a chain that stood still goes on with
 * blocks dated in the past. What lies still further apart is found from the chain's side, by its key.
 */
const BEFORE: Seconds = 7_200;
const AFTER: Seconds = 7_200;

/** Blocks have no index, because that would cost a row a payment; the time of acceptance has one, and is never far from that of the block. */
export const BY_TIME = `
SELECT ${COLUMNS} FROM calls c INDEXED BY calls_by_time
CROSS JOIN payments p ON p.account = c.account AND p.call = c.call
WHERE c.accepted_at BETWEEN ?1 AND ?2 AND c.account BETWEEN ?3 || ':' AND ?3 || ';'
  AND p.state = 'settled' AND p.block BETWEEN ?4 AND ?5
LIMIT ${MOST_SETTLED + 1}`;

/** Payments that the ledger has as settled in these blocks, or undefined where they are too many to compare at once. */
export const settledIn = async (
  db: D1Database,
  network: Network,
  { from, to }: Blocks,
  { fromTime, toTime }: { readonly fromTime: Seconds; readonly toTime: Seconds },
): Promise<readonly LedgerPayment[] | undefined> => {
  const { results } = await db
    .prepare(BY_TIME)
    .bind(fromTime - BEFORE, toTime + AFTER, network, from, to)
    .all<Row>();
  return results.length > MOST_SETTLED ? undefined : results.map(paymentOf);
};

type Row = {
  readonly account: AccountId;
  readonly call: Hex;
  readonly payee: Address | null;
  readonly accepted_at: number | null;
  readonly state: LedgerState;
  readonly amount: number | null;
  readonly transaction_hash: Hex | null;
  readonly block: number | null;
};

const paymentOf = (row: Row): LedgerPayment => ({
  account: row.account,
  call: row.call,
  state: row.state,
  acceptedAt: row.accepted_at ?? 0,
  ...(row.amount === null ? {} : { amount: BigInt(row.amount) }),
  ...(row.transaction_hash === null ? {} : { transaction: row.transaction_hash }),
  ...(row.block === null ? {} : { block: row.block }),
  ...(row.payee === null ? {} : { payee: row.payee }),
});
