import { type AccountId, accountId, type Network } from '../../protocol/account-id.ts';
import type { Address, Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import { acceptedAtOf } from '../stored-call.ts';
import { type Blocks, chunks } from './blocks.ts';
import type { ChainPayment } from './window.ts';

/** The ledger's state of a call's payment. `open`: accepted and not ended. */
export type LedgerState = 'settled' | 'failed' | 'released' | 'open';

export type LedgerPayment = {
  readonly account: AccountId;
  /** The payment's nonce. */
  readonly call: Hex;
  readonly state: LedgerState;
  readonly amount?: bigint;
  readonly transaction?: Hex;
  readonly block?: number;
  /** The receiver, if the call kept it. */
  readonly payee?: Address;
  readonly acceptedAt: Seconds;
};

export type LedgerKey = Pick<LedgerPayment, 'account' | 'call'>;

/** Identifies a payment. */
export const keyOf = ({ account, call }: LedgerKey): string => `${account} ${call}`;

/** The ledger's key of a chain payment: its nonce is the call id. */
export const ledgerKey = (network: Network, { payer, nonce }: ChainPayment): LedgerKey => ({
  account: accountId(network, payer),
  call: nonce,
});

/** Keys of one statement: D1 accepts a parameter of at most two million bytes. */
const KEYS = 1_000;

const COLUMNS = `c.account, c.call, c.payee, c.accepted_at, coalesce(c.payment, 'open') AS state, c.amount, c.transaction_hash, c.block`;

export const BY_KEY = `
SELECT ${COLUMNS} FROM json_each(?1) k
CROSS JOIN calls c ON c.accepted_at = ${acceptedAtOf('k.value ->> 0', 'k.value ->> 1')}
  AND c.account = k.value ->> 0 AND c.call = k.value ->> 1`;

/**
 * Finds these payments in the ledger; unknown ones are missing from the result. A payment of the last hours costs a few reads, however
 * many its account has.
 */
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

/** Settlements of one window; with more, fewer blocks are read at once. */
const MAX_SETTLED = 10_000;

/**
 * The distance between acceptance and settlement that is searched: an authorization is valid for at most 3,660 seconds after acceptance,
 * and a chain that stopped continues with blocks dated in the past. Payments with a larger distance are found from the chain's side, by
 * key.
 */
const BEFORE: Seconds = 7_200;
const AFTER: Seconds = 7_200;

/** An index on the block would cost a row per payment. The key begins with the time of acceptance, which is near the time of the block. */
export const BY_TIME = `
SELECT ${COLUMNS} FROM calls c
WHERE c.accepted_at BETWEEN ?1 AND ?2 AND c.account BETWEEN ?3 || ':' AND ?3 || ';'
  AND c.payment = 'settled' AND c.block BETWEEN ?4 AND ?5
LIMIT ${MAX_SETTLED + 1}`;

/** Finds the payments that the ledger has settled in these blocks; undefined if they are too many to compare at once. */
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
  return results.length > MAX_SETTLED ? undefined : results.map(paymentOf);
};

type Row = {
  readonly account: AccountId;
  readonly call: Hex;
  readonly payee: Address | null;
  readonly accepted_at: number;
  readonly state: LedgerState;
  readonly amount: number | null;
  readonly transaction_hash: Hex | null;
  readonly block: number | null;
};

const paymentOf = (row: Row): LedgerPayment => ({
  account: row.account,
  call: row.call,
  state: row.state,
  acceptedAt: row.accepted_at,
  ...(row.amount === null ? {} : { amount: BigInt(row.amount) }),
  ...(row.transaction_hash === null ? {} : { transaction: row.transaction_hash }),
  ...(row.block === null ? {} : { block: row.block }),
  ...(row.payee === null ? {} : { payee: row.payee }),
});
