import type { Seconds } from '../core/clock.ts';
import type { Address } from '../core/hex.ts';
import type { Network } from '../protocol/account-id.ts';

/** The calls that were promised under one network, payee and audience. */
export type Promised = {
  readonly network: Network;
  readonly payee: Address;
  /** Absent for calls whose entry names none. */
  readonly audience?: string;
  /** Calls accepted in the last `PROMISED_FOR` seconds, and older ones with an open payment. */
  readonly calls: number;
  /** Open payments. */
  readonly open: number;
  /** The price of the calls with an open payment, atomic units. */
  readonly amount: bigint;
  /** Acceptance of the newest of these calls. */
  readonly lastAt: Seconds;
};

/**
 * How long after its acceptance a call may need its payee, network and audience: an authorization is valid for at most 3,660 seconds, and
 * for 600 more the account observes the chain and repeats find the call.
 */
export const PROMISED_FOR: Seconds = 4_260;

/** An account is its network, a colon and 42 characters. */
const COLUMNS = `SELECT substr(account, 1, length(account) - 43) AS network, coalesce(payee, '') AS payee, audience, accepted_at,
  coalesce(payment = 'open', 0) AS is_open, coalesce(price, 0) AS price`;

const OPEN = `${COLUMNS} FROM calls INDEXED BY calls_open WHERE payment = 'open'`;

/** Reads the calls of the last hour along the key, and older ones in the index of open payments. */
const ALL = `${COLUMNS} FROM calls WHERE accepted_at > ?1 UNION ALL ${OPEN} AND accepted_at <= ?1`;

const grouped = (rows: string): string =>
  `SELECT network, payee, audience, count(*) AS calls, sum(is_open) AS open,
    CAST(sum(iif(is_open, price, 0)) AS TEXT) AS amount, max(accepted_at) AS last_at
   FROM (${rows}) GROUP BY network, payee, audience ORDER BY network, payee, audience`;

/** Reads the promises that are open at `now`. @throws Error if the database does not answer */
export const promised = async (db: D1Database, now: Seconds): Promise<readonly Promised[]> =>
  read(db.prepare(grouped(ALL)).bind(now - PROMISED_FOR));

/** Reads only promises with an open payment. @throws Error if the database does not answer */
export const promisedOpen = async (db: D1Database): Promise<readonly Promised[]> =>
  read(db.prepare(grouped(OPEN)));

type Row = {
  readonly network: Network;
  readonly payee: Address;
  readonly audience: string | null;
  readonly calls: number;
  readonly open: number;
  readonly amount: string;
  readonly last_at: number;
};

const read = async (statement: D1PreparedStatement): Promise<readonly Promised[]> => {
  const { results } = await statement.all<Row>();
  return results.map(({ audience, last_at: lastAt, amount, ...row }) => ({
    ...row,
    ...(audience === null ? {} : { audience }),
    amount: BigInt(amount),
    lastAt,
  }));
};
