import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Entry, Json } from '../protocol/entry.ts';
import { factsIf } from '../protocol/log/facts.ts';

const INSERT = 'INSERT OR IGNORE INTO published_texts (hash, account, seq) VALUES (?1, ?2, ?3)';

/** The statements that note where a log has a text that decides calls. Each hash is published once, so few chunks have any. */
export const publishedTextStatements = (
  db: D1Database,
  entries: readonly Entry[],
): D1PreparedStatement[] =>
  entries.flatMap((logged) => {
    const entry = factsIf(logged, 'tool.listed', 'policy.default');
    return entry?.outcome.hash !== undefined && publishedText(logged) !== undefined
      ? [db.prepare(INSERT).bind(entry.outcome.hash, entry.account, entry.seq)]
      : [];
  });

/** The text that an entry publishes: the terms of a tool, or a default policy. */
export const publishedText = (entry: Entry): Json | undefined =>
  factsIf(entry, 'tool.listed')?.evidence.document ??
  factsIf(entry, 'policy.default')?.evidence.policy;

/** The seq of the entry of an account that publishes a text; undefined if none does. */
export const seqOfText = async (
  db: D1Database,
  account: AccountId,
  hash: Hex,
): Promise<number | undefined> => {
  const row = await db
    .prepare('SELECT seq FROM published_texts WHERE hash = ?1 AND account = ?2')
    .bind(hash, account)
    .first<{ readonly seq: number }>();
  return row?.seq;
};
