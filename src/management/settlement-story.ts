import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import { ok } from '../core/result.ts';
import type { Entry } from '../protocol/entry.ts';
import { loadRun } from '../audit/run.ts';
import { loadChunk } from '../audit/stored-chain.ts';
import { type CallItem, loadCall } from './call-query.ts';
import { type LetterItem, lettersOf } from './dead-letter-query.ts';
import { attempt, type Queried } from './page.ts';
import { type Trouble, TROUBLE_COLUMNS, troubleOf, type TroubleRow } from './settlement-query.ts';
import { callItem, type CallRow, known } from './call-row.ts';

/** All that D1 knows of one call and its payment. */
export type Story = {
  readonly call: CallItem;
  /** Whether its payment is under way. */
  readonly open: boolean;
  readonly trouble?: Trouble;
  /** Messages about it that nobody could deal with, newest first. */
  readonly letters: readonly LetterItem[];
  /** Its entries, oldest first, as they stand in the chain. */
  readonly entries: readonly Entry[];
  /** False where entries between are archived, or too far apart to be read at once. */
  readonly complete: boolean;
};

/** The story of a call; undefined where D1 has none of that name. */
export const settlementStory = (
  db: D1Database,
  account: AccountId,
  call: Hex,
): Queried<Story | undefined> =>
  attempt(async () => {
    const [row, open, tried, letters] = await Promise.all([
      loadCall(db, account, call),
      db.prepare(IS_OPEN).bind(account, call).first(),
      db.prepare(TRIED).bind(account, call).first<TroubleRow>(),
      lettersOf(db, account, call),
    ]);
    if (row === null) return ok(undefined);
    const isOpen = open !== null;
    const trouble = tried === null || !isOpen ? null : troubleOf(tried);
    const told = await entriesOf(db, row, isOpen);
    return ok({ call: callItem(row), open: isOpen, letters, ...known({ trouble }), ...told });
  });

const IS_OPEN = `
SELECT 1 FROM calls c JOIN open_payments o ON o.at = c.accepted_at AND o.account = c.account AND o.call = c.call
WHERE c.account = ?1 AND c.call = ?2`;

const TRIED = `SELECT ${TROUBLE_COLUMNS} FROM attempts t WHERE t.account = ?1 AND t.call = ?2`;

/** Entries after the last one that is known to tell of a call, among which orders about its open payment may stand. */
const AFTERMATH = 2_000;

/** Its entries: from its acceptance as far as may be read at once, and then those that its rows name. */
const entriesOf = async (
  db: D1Database,
  row: CallRow,
  isOpen: boolean,
): Promise<Pick<Story, 'entries' | 'complete'>> => {
  const named = [row.first_seq ?? row.seq, row.seq, row.payment_seq ?? row.seq];
  const first = Math.min(...named);
  const last = Math.max(...named);
  const run = await loadRun(db, row.account, first, isOpen ? last + AFTERMATH : last);
  const missed = [...new Set(named)].filter((seq) => seq > run.last);
  const chunks = await Promise.all(missed.map((seq) => loadChunk(db, row.account, seq)));
  const found = [...run.entries, ...chunks.flatMap((entries) => entries ?? [])];
  const own = new Map(
    found.filter(({ call }) => call === row.call).map((each) => [each.seq, each]),
  );
  return {
    entries: [...own.values()].toSorted((a, b) => a.seq - b.seq),
    complete: row.first_seq !== null && missed.length === 0 && named.every((seq) => own.has(seq)),
  };
};
