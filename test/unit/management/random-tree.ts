import type { AccountId } from '../../../src/protocol/account-id.ts';
import { db } from '../audit/database.ts';
import { accountOf, START, word } from '../audit/history.ts';

/** Returns the next random number below a bound. */
export type Roll = (below: number) => number;

export const rolls = (seed: number): Roll => {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

export const ROOT = accountOf(0);

type Call = {
  readonly account: AccountId;
  readonly call: string;
  readonly tool: string;
  readonly at: number;
  readonly seq: number;
};

/** `former` accounts were descendants of the root once. */
type Kind = 'root' | 'below' | 'former' | 'stranger';

type Member = {
  readonly account: AccountId;
  readonly kind: Kind;
  readonly calls: readonly Call[];
  /** The time at which the account's last chunk was stored. Undefined if it has no chunk. */
  readonly stored?: number;
  readonly last: number;
};

/** Number of entries from one call to the next, so that some logs have several segments. */
const STEP = 40;

/** One in forty calls is of a rare tool. */
const toolOf = (rolled: number): string =>
  rolled === 0 ? 'tool-2' : rolled < 8 ? 'tool-1' : 'tool-0';

const memberOf = (at: number, roll: Roll, span: number, entries: number): Member => {
  const account = accountOf(at);
  const kind = (['below', 'below', 'below', 'former', 'stranger'] as const)[roll(5)] ?? 'below';
  const count = roll(4) === 0 ? 0 : roll(roll(5) === 0 ? 600 : 12);
  const start = START + roll(span);
  const calls = Array.from({ length: count }, () => start + roll(1 + roll(span)))
    .toSorted((one, other) => one - other)
    .map((time, own) => ({
      ...{ account, call: word(roll(1_000_000_000)), tool: toolOf(roll(40)) },
      ...{ at: time, seq: 1 + own * STEP },
    }));
  return {
    ...{ account, kind: at === 0 ? 'root' : kind, calls, last: 1 + count * STEP + entries },
    // The consumer's clock may differ from the account's.
    ...(count > 0 || roll(2) === 0
      ? { stored: (calls.at(-1)?.at ?? START) + roll(400) - 299 }
      : {}),
  };
};

const store = async (members: readonly Member[]): Promise<void> => {
  const insert = (into: string, rows: readonly object[]) =>
    db.prepare(`${into} FROM json_each(?)`).bind(JSON.stringify(rows));
  await db.batch([
    insert(
      `INSERT INTO calls (account, call, tool, state, accepted_at, first_seq, segment, seq)
       SELECT value ->> 'account', value ->> 'call', value ->> 'tool', 'held', value ->> 'at', value ->> 'seq', (value ->> 'seq') / 4096, value ->> 'seq'`,
      members.flatMap(({ calls }) => calls),
    ),
    insert(
      `INSERT INTO chunks (account, first_seq, last_seq, last_hash, body, at)
       SELECT value ->> 'account', 1, value ->> 'last', '', x'00', value ->> 'stored'`,
      members.filter(({ stored }) => stored !== undefined),
    ),
    insert(
      `INSERT INTO accounts (account, above, first_at, seq)
       SELECT value ->> 'account', iif(value ->> 'kind' = 'below', json_array('${accountOf(900)}', '${ROOT}'), '[]'), 1, 1`,
      members,
    ),
    insert(
      `INSERT INTO kin (ancestor, account) SELECT '${ROOT}', value ->> 'account'`,
      members.filter(({ kind }) => kind === 'below' || kind === 'former'),
    ),
  ]);
};

/** Newest first, as in a list of all calls. */
const byPlace = (one: Call, other: Call): number => {
  if (one.at !== other.at) return other.at - one.at;
  const [a, b] = [`${one.account}${one.call}`, `${other.account}${other.call}`];
  return a < b ? 1 : -1;
};

/**
 * Fills the tables with a random tree below the root, and with strangers. @returns the tree's calls, newest first, and its accounts that
 * have a log
 */
export const storeRandomTree = async (
  roll: Roll,
): Promise<{ readonly calls: readonly Call[]; readonly active: number }> => {
  const size = 1 + roll(roll(2) === 0 ? 8 : 120);
  // If the logs are long, the gateway reads fifty of them.
  const entries = roll(2) === 0 ? 0 : 6_000;
  const span = [60, 3_000, 400_000][roll(3)] ?? 60;
  const members = Array.from({ length: size }, (_, at) => memberOf(at, roll, span, entries));
  await store(members);
  const own = members.filter(({ kind }) => kind === 'root' || kind === 'below');
  return {
    calls: own.flatMap(({ calls }) => calls).toSorted(byPlace),
    active: own.filter(({ stored }) => stored !== undefined).length,
  };
};

/**
 * Stores this many calls of an account, one a second, and a log that ends with the last call. `stored`: the time at which the log was
 * stored.
 */
export const storeCalls = async (
  account: AccountId,
  count: number,
  {
    at = START,
    seq = 1,
    stored = at + count - 1,
  }: { readonly at?: number; readonly seq?: number; readonly stored?: number } = {},
): Promise<void> => {
  const last = count - 1;
  await db.batch([
    db
      .prepare(
        `INSERT INTO calls (account, call, tool, state, accepted_at, first_seq, segment, seq)
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
         SELECT ?1, 'c' || i, 'tool', 'committed', ?3 + i, ?4 + i, CAST(?4 + i AS INTEGER) / 4096, ?4 + i FROM n`,
      )
      .bind(account, last, at, seq),
    db
      .prepare("INSERT INTO chunks VALUES (?1, 1, ?2, '', x'00', ?3)")
      .bind(account, seq + last, stored),
  ]);
};

/** Makes an account a child of the root. */
export const storeChild = async (account: AccountId): Promise<void> => {
  await db.batch([
    db
      .prepare(
        'INSERT INTO accounts (account, above, first_at, seq) VALUES (?1, json_array(?2), 1, 1)',
      )
      .bind(account, ROOT),
    db.prepare('INSERT INTO kin VALUES (?2, ?1)').bind(account, ROOT),
  ]);
};
