import { ARCHIVED } from './compare-object.ts';
import type { ProjectedRow, RowDifference } from './compare-rows.ts';
import type { RebuildState } from './rebuild-state.ts';

/**
 * `equal`: every row of every projection. `different`: rows differ, and stay. `corrected`: rows differed. `incomplete`: some entries or
 * archived calls could not be read, so nothing was corrected.
 */
export type RebuildVerdict = 'equal' | 'different' | 'corrected' | 'incomplete';

export type RebuildReport = {
  readonly verdict: RebuildVerdict;
  readonly accounts: number;
  readonly entries: number;
  /** Differing rows of each table, at most 100 an account and table. */
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  /** The first of them, in the order of their tables and keys. */
  readonly first: readonly RowDifference[];
  /** Entries that could not be projected. */
  readonly unread: readonly UnreadEntries[];
  /** Objects of calls that R2 lacks. */
  readonly objects: readonly string[];
};

type UnreadEntries = {
  readonly account: string;
  readonly from: number;
  readonly to: number;
  readonly fault: 'missing' | 'broken';
};

/** Rows that a report names. */
const NAMED = 20;

type DifferenceRow = {
  readonly name: string;
  readonly place: string;
  readonly stored: string | null;
  readonly rebuilt: string | null;
};

/** Reads the findings of a rebuild so far. */
export const readReport = async (db: D1Database, state: RebuildState): Promise<RebuildReport> => {
  const [heads, unread, objects, tables, first] = await db.batch([
    db.prepare('SELECT count(*) AS accounts, coalesce(sum(seq), 0) AS entries FROM rebuild_heads'),
    db.prepare(
      `SELECT account, seq + 1 AS "from", fault_to AS "to", fault FROM rebuild_heads WHERE fault IS NOT NULL ORDER BY account LIMIT ${NAMED}`,
    ),
    db.prepare(
      `SELECT o.name FROM rebuild_objects d JOIN archived_calls o ON o.day = d.day AND o.part = d.part
       WHERE d.missing = 1 ORDER BY o.day, o.part LIMIT ${NAMED}`,
    ),
    db.prepare(
      'SELECT name, count(*) AS rows FROM rebuild_differences GROUP BY name ORDER BY name',
    ),
    db.prepare(
      `SELECT name, place, stored, rebuilt FROM rebuild_differences ORDER BY name, place LIMIT ${NAMED}`,
    ),
  ]);
  const found = (tables?.results ?? []) as RebuildReport['tables'];
  const missing = {
    unread: (unread?.results ?? []) as UnreadEntries[],
    objects: ((objects?.results ?? []) as { readonly name: string }[]).map(({ name }) => name),
  };
  return {
    ...((heads?.results[0] ?? { accounts: 0, entries: 0 }) as Pick<
      RebuildReport,
      'accounts' | 'entries'
    >),
    verdict: verdictOf(state, found, missing.unread.length + missing.objects.length > 0),
    tables: found,
    first: ((first?.results ?? []) as DifferenceRow[]).map(({ name, place, stored, rebuilt }) => ({
      ...{ name, place: JSON.parse(place) as unknown[] },
      ...(stored === null ? {} : { stored: JSON.parse(stored) as ProjectedRow }),
      ...(rebuilt === null ? {} : { rebuilt: JSON.parse(rebuilt) as ProjectedRow }),
    })),
    ...missing,
  };
};

const verdictOf = (
  { apply }: RebuildState,
  tables: RebuildReport['tables'],
  isIncomplete: boolean,
): RebuildVerdict => {
  if (isIncomplete) return 'incomplete';
  if (tables.length === 0) return 'equal';
  // No rebuild changes an object in R2.
  return apply === 1 && tables.every(({ name }) => name !== ARCHIVED) ? 'corrected' : 'different';
};
