import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import { type Asked, attempt, type Page, type Queried } from './page.ts';
import { known } from './call-row.ts';
import { conditions, scan } from './scan.ts';

/** A message that no consumer could deal with. */
export type LetterItem = {
  readonly id: string;
  readonly queue: string;
  readonly account?: AccountId;
  readonly call?: Hex;
  readonly at: Seconds;
  readonly reason: string;
  /** When it was last sent again; it is new again when its message comes back. */
  readonly redrivenAt?: Seconds;
};

export type Letter = LetterItem & {
  /** The message as JSON. */
  readonly body: string;
};

/** Dead letters, newest first, without their bodies. */
export const listDeadLetters = (
  db: D1Database,
  { queue, ...asked }: { readonly queue?: string | undefined } & Asked,
): Queried<Page<LetterItem>> =>
  attempt(() =>
    scan(
      db,
      {
        list: 'letters',
        index: 'dead_letters d INDEXED BY dead_letters_by_time',
        key: ['d.at', 'd.id'],
        shape: ['number', 'string'],
        within: [],
        range: { least: 0 },
        columns: COLUMNS,
        joins: '',
        filters: conditions({ 'd.queue = ?': queue }),
        placeOf: ({ at, id }) => [at, id],
      },
      asked,
      letterItem,
    ),
  );

/** Letters of one call that are shown with it, at most. */
const MOST_OF_CALL = 20;

/** Letters about one call, newest first: few, as a payment has one message under way at a time. */
export const lettersOf = async (
  db: D1Database,
  account: AccountId,
  call: Hex,
): Promise<readonly LetterItem[]> => {
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS} FROM dead_letters d INDEXED BY dead_letters_by_call
       WHERE d.call <> '' AND d.account = ?1 AND d.call = ?2 ORDER BY d.at DESC, d.id DESC LIMIT ${MOST_OF_CALL}`,
    )
    .bind(account, call)
    .all<LetterRow>();
  return results.map(letterItem);
};

export const findDeadLetter = (db: D1Database, id: string): Queried<Letter | undefined> =>
  attempt(async () => {
    const row = await db
      .prepare(`SELECT ${COLUMNS}, d.body FROM dead_letters d WHERE d.id = ?1`)
      .bind(id)
      .first<LetterRow & { readonly body: string }>();
    return ok(row === null ? undefined : { ...letterItem(row), body: row.body });
  });

/** Notes that a letter was sent again. */
export const markRedriven = (db: D1Database, id: string, at: Seconds): Queried<void> =>
  attempt(async () => {
    await db.prepare('UPDATE dead_letters SET redriven_at = ?2 WHERE id = ?1').bind(id, at).run();
    return ok(undefined);
  });

type LetterRow = {
  readonly id: string;
  readonly queue: string;
  readonly account: AccountId | '' | null;
  readonly call: Hex | '' | null;
  readonly at: number;
  readonly reason: string;
  readonly redriven_at: number | null;
};

const COLUMNS = 'd.id, d.queue, d.account, d.call, d.at, d.reason, d.redriven_at';

const letterItem = (row: LetterRow): LetterItem =>
  known({
    id: row.id,
    queue: row.queue,
    account: row.account === '' ? null : row.account,
    call: row.call === '' ? null : row.call,
    at: row.at,
    reason: row.reason,
    redrivenAt: row.redriven_at,
  });
