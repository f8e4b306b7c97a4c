import type { Entry, Json } from '../audit/entry.ts';
import type { AccountId, Hex } from '../core/account-id.ts';
import type { Seconds } from '../core/clock.ts';

/** What an entry of the gateway's own account says of a tool: that it was put, or removed (null). */
export type ToolRow = {
  readonly account: AccountId;
  readonly id: string;
  readonly document: Json | null;
  readonly hash: Hex | null;
  readonly seq: number;
  readonly at: Seconds;
};

/**
 * The queue brings entries again and out of order: only a later one of the chain may replace. Who gets another receiver gets another
 * account with a chain that begins at 1; then time decides.
 */
const UPSERT = `
INSERT INTO tools (id, document, hash, account, seq, at, version)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(version), 0) + 1 FROM tools))
ON CONFLICT (id) DO UPDATE SET document = excluded.document, hash = excluded.hash, account = excluded.account,
  seq = excluded.seq, at = excluded.at, version = excluded.version
WHERE CASE WHEN excluded.account = tools.account THEN excluded.seq > tools.seq ELSE excluded.at > tools.at END`;

const upsert = (db: D1Database, { id, document, hash, account, seq, at }: ToolRow) =>
  db
    .prepare(UPSERT)
    .bind(id, document === null ? null : JSON.stringify(document), hash, account, seq, at);

/** Puts or removes a tool; what is older than what is there changes nothing. */
export const putTool = async (db: D1Database, row: ToolRow): Promise<void> => {
  await upsert(db, row).run();
};

/** A row as the catalogue reads it. */
export type ReadRow = {
  readonly id: string;
  readonly document: string | null;
  readonly hash: Hex | null;
};

/** `top`: the version that the table has now. `rows`: what has changed since the version asked for. */
export type Read = { readonly top: number; readonly rows: readonly ReadRow[] };

/** All rows where the table is older than what is asked for: it was restored from a backup. */
const CHANGED = `
SELECT top, id, document, hash
FROM (SELECT coalesce(max(version), 0) AS top FROM tools)
LEFT JOIN tools ON version > iif(top < ?1, 0, ?1)`;

/** What has changed since a version: one query, of one row where nothing has. @throws Error where the database does not answer */
export const readChanges = async (db: D1Database, since: number): Promise<Read> => {
  const { results } = await db
    .prepare(CHANGED)
    .bind(since)
    .all<{ top: number; id: string | null; document: string | null; hash: Hex | null }>();
  const rows = results.flatMap(({ id, document, hash }) =>
    id === null ? [] : { id, document, hash },
  );
  return { top: results[0]?.top ?? 0, rows };
};

/** What repairs the table from an entry that a tool was put or removed; of any other entry nothing. */
export const projectTool = (db: D1Database, entry: Entry): D1PreparedStatement[] => {
  const { account, seq, at, outcome, evidence } = entry;
  const id = outcome?.['name'];
  if (typeof id !== 'string') return [];
  if (entry.type === 'tool.removed') {
    return [upsert(db, { account, id, document: null, hash: null, seq, at })];
  }
  const document = evidence?.['document'];
  const hash = outcome?.['hash'];
  return entry.type === 'tool.put' && typeof hash === 'string' && document !== undefined
    ? [upsert(db, { account, id, document, hash: hash as Hex, seq, at })]
    : [];
};
