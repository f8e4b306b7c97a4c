import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Row } from './codec.ts';
import type { StoredDocument } from './commands/documents.ts';
import type { StoredOrder } from './commands/ordered.ts';
import { DOCUMENTS_TABLE, ORDERS_TABLE, TEXTS_TABLE } from './tables.ts';
import type { DocumentType } from '../../src/protocol/account/document.ts';

/** After this long an entry carries its text again: what is remembered must end, and an archive of a year is read by itself. */
const TEXT_REMEMBERED: Seconds = 366 * 86_400;

/** How often that is looked at: it reads every hash. */
const FORGET_PAUSE: Seconds = 86_400;

type Run = (query: string, ...bindings: SqlStorageValue[]) => Row[];

/** What one commit writes of it. */
export type KeptBatch = {
  readonly orders: Iterable<StoredOrder>;
  readonly documents: Iterable<StoredDocument>;
  /** Hashes of texts that stand in the log from now on. */
  readonly texts: Iterable<Hex>;
  readonly now: Seconds;
};

/** The part of an account's storage that only orders touch: calls neither read nor write it. */
export type KeptStorage = {
  loadOrder(digest: Hex): StoredOrder | undefined;
  ordersKept(now: Seconds): number;
  loadDocument(type: DocumentType, name: string): StoredDocument | undefined;
  documentNames(type: DocumentType): readonly string[];
  /** Written after entry `since`; every one where no entry is as new as `since`. `top`: the newest entry that wrote one. */
  loadDocumentsSince(
    type: DocumentType,
    since: number,
  ): { readonly top: number; readonly documents: readonly Pick<StoredDocument, 'name' | 'text'>[] };
  hasText(hash: Hex): boolean;
  writeKept(batch: KeptBatch): void;
  pruneKept(now: Seconds): void;
};

export const documentKey = (type: DocumentType, name: string): string => `${type} ${name}`;

export const openKeptStorage = (run: Run, hasTable: (name: string) => boolean): KeptStorage => {
  const made = new Set<string>();
  let forgotAt = 0;
  /** Newest entry by type. Storage is opened anew after a failed transaction, so this never outlives what was written. */
  const tops = new Map<DocumentType, number>();
  const has = (table: string): boolean => {
    if (!made.has(table) && hasTable(table)) made.add(table);
    return made.has(table);
  };
  const prune = (now: Seconds): void => {
    if (has('orders')) run('DELETE FROM orders WHERE until <= ?', now);
  };

  return {
    loadOrder(digest) {
      const row = has('orders')
        ? run('SELECT * FROM orders WHERE digest = ?', digest)[0]
        : undefined;
      return row as StoredOrder | undefined;
    },
    ordersKept: (now) =>
      has('orders')
        ? Number(run('SELECT count(*) AS count FROM orders WHERE until > ?', now)[0]?.count)
        : 0,
    loadDocument(type, name) {
      if (!has('documents')) return undefined;
      const [row] = run('SELECT * FROM documents WHERE type = ? AND name = ?', type, name);
      return row as StoredDocument | undefined;
    },
    documentNames: (type) =>
      has('documents')
        ? run('SELECT name FROM documents WHERE type = ? AND text IS NOT NULL', type).map(
            ({ name }) => name as string,
          )
        : [],
    loadDocumentsSince(type, since) {
      if (!has('documents')) return { top: 0, documents: [] };
      const top =
        tops.get(type) ??
        Number(
          run('SELECT coalesce(max(seq), 0) AS top FROM documents WHERE type = ?', type)[0]?.top,
        );
      tops.set(type, top);
      if (top === since) return { top, documents: [] };
      const from = top < since ? 0 : since;
      const rows = run(
        'SELECT name, text FROM documents WHERE type = ? AND seq > ? ORDER BY name',
        type,
        from,
      );
      return { top, documents: rows as Pick<StoredDocument, 'name' | 'text'>[] };
    },
    hasText: (hash) => has('texts') && run('SELECT 1 FROM texts WHERE hash = ?', hash).length > 0,
    writeKept({ orders, documents, texts, now }) {
      for (const { digest, attempt, until, answer } of orders) {
        if (!has('orders')) run(ORDERS_TABLE);
        prune(now);
        run('INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?)', digest, attempt, until, answer);
      }
      for (const { type, name, text, seq } of documents) {
        if (!has('documents')) run(DOCUMENTS_TABLE);
        // Of webhooks nobody else knows any; a removed tool may stand in the gateway's own list.
        if (text === null && type === 'webhook') {
          run('DELETE FROM documents WHERE type = ? AND name = ?', type, name);
        } else run('INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)', type, name, text, seq);
        tops.delete(type);
      }
      for (const hash of texts) {
        if (!has('texts')) run(TEXTS_TABLE);
        run('INSERT OR REPLACE INTO texts VALUES (?, ?)', hash, now);
      }
    },
    pruneKept(now) {
      prune(now);
      if (now < forgotAt + FORGET_PAUSE || !has('texts')) return;
      forgotAt = now;
      run('DELETE FROM texts WHERE at < ?', now - TEXT_REMEMBERED);
    },
  };
};
