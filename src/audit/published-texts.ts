import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Entry, Json } from '../protocol/entry.ts';

const INSERT = 'INSERT OR IGNORE INTO published_texts (hash, account, seq) VALUES (?1, ?2, ?3)';

/** The statements that note where a log has a text that decides calls. Each hash is published once, so few chunks have any. */
export const publishedTextStatements = (
  db: D1Database,
  entries: readonly Entry[],
): D1PreparedStatement[] =>
  entries.flatMap((entry) => {
    const hash = entry.outcome?.['hash'];
    return publishedText(entry) !== undefined && typeof hash === 'string'
      ? [db.prepare(INSERT).bind(hash, entry.account, entry.seq)]
      : [];
  });

/** The text that an entry publishes: the terms of a tool, or a default policy. */
export const publishedText = ({ type, evidence }: Entry): Json | undefined => {
  if (type === 'tool.listed') return evidence?.['document'];
  return type === 'policy.default' ? evidence?.['policy'] : undefined;
};

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
