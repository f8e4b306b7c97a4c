import type { AccountId } from '../../src/protocol/account-id.ts';
import type { LogSigner } from '../../src/protocol/audit-log-contract.ts';
import { anchorOfLeaf, type Leaf, parseLeaf } from '../../src/audit/log/leaf.ts';
import type { ReadTile, WrittenTile } from '../../src/audit/log/tile.ts';

/** The tree as it is stored: its size and root, and the newest checkpoint with the size that it covers. */
export type StoredTree = {
  readonly size: number;
  readonly root: Uint8Array;
  readonly checkpoint: string | undefined;
  readonly signed: number;
  /** When the checkpoint was signed, Unix seconds. */
  readonly signedAt: number;
};

/** What one append writes, in one transaction. */
export type Growth = {
  readonly size: number;
  readonly root: Uint8Array;
  readonly tiles: readonly WrittenTile[];
  /** New leaves with their places, in order. */
  readonly leaves: readonly {
    readonly index: number;
    readonly leaf: Leaf | undefined;
    readonly text: string;
  }[];
  /** Slots of the index that changed, with their hashes. */
  readonly slots?: readonly (readonly [number: number, hash: Uint8Array, slot: Uint8Array])[];
  /** Anchors of accounts whose first leaf is in the log of an earlier year. */
  readonly carried?: readonly (readonly [AccountId, Uint8Array])[];
};

export type Tables = {
  readonly tree: () => StoredTree | undefined;
  readonly tile: ReadTile;
  readonly lastOf: (account: AccountId) => Leaf | undefined;
  /**
   * The newest leaf of the account with this first leaf, which may be in a log of another year; undefined if this log has no leaf of it.
   */
  readonly anchorOf: (account: AccountId) => Uint8Array | undefined;
  readonly slot: (number: number) => Uint8Array;
  readonly slotHashes: () => readonly (readonly [number: number, hash: Uint8Array])[];
  readonly leavesOf: (
    account: AccountId,
    fromSeq: number,
    most: number,
  ) => readonly { readonly index: number; readonly text: string }[];
  readonly bundle: (number: number) => readonly string[];
  readonly grow: (growth: Growth) => void;
  /** All keys that signed checkpoints, the newest first. A key that signed, stopped and signed again has an element for each time. */
  readonly signers: () => readonly LogSigner[];
  readonly sign: (signed: SignedCheckpoint) => void;
};

/** A checkpoint, with the keys that signed it. */
export type SignedCheckpoint = {
  readonly checkpoint: string;
  readonly size: number;
  /** Unix seconds. */
  readonly at: number;
  /** Base64. */
  readonly publicKeys: readonly string[];
};

/** Leaves of one row of `bundle`. */
export const BUNDLE = 256;

/**
 * A log has millions of leaves and never forgets one, while the engine of `durable-objects/store/` keeps live values in memory. So it has
 * tables of its own: one row a leaf, found by its account, and the leaves in order, 256 a row.
 */
const TABLES = `
  CREATE TABLE tree (id INTEGER PRIMARY KEY CHECK (id = 0), size INTEGER NOT NULL, root BLOB NOT NULL, checkpoint TEXT,
    signed INTEGER NOT NULL, signed_at INTEGER NOT NULL) STRICT;
  CREATE TABLE tile (level INTEGER NOT NULL, place INTEGER NOT NULL, hashes BLOB NOT NULL,
    PRIMARY KEY (level, place)) STRICT, WITHOUT ROWID;
  CREATE TABLE leaf (account TEXT NOT NULL, first_seq INTEGER NOT NULL, place INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (account, first_seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE bundle (number INTEGER PRIMARY KEY, leaves TEXT NOT NULL) STRICT;
  CREATE TABLE slot (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, heads BLOB NOT NULL) STRICT;
  CREATE TABLE carried (account TEXT PRIMARY KEY, anchor BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE signer (id INTEGER PRIMARY KEY, public_key TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER) STRICT;`;

export const openTables = (storage: DurableObjectStorage): Tables => {
  const { sql } = storage;
  let hasTables =
    sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tree'`).toArray()
      .length > 0;

  const all = <Row extends Record<string, SqlStorageValue>>(
    query: string,
    ...bindings: SqlStorageValue[]
  ): readonly Row[] => (hasTables ? sql.exec<Row>(query, ...bindings).toArray() : []);

  const bundle = (number: number): readonly string[] => {
    const [row] = all<{ leaves: string }>('SELECT leaves FROM bundle WHERE number = ?', number);
    return row === undefined ? [] : (JSON.parse(row.leaves) as string[]);
  };

  const signers = (): readonly LogSigner[] =>
    all<{ public_key: string; since: number; until: number | null }>(
      'SELECT public_key, since, until FROM signer ORDER BY id DESC',
    ).map(({ public_key: publicKey, since, until }) => ({
      ...{ publicKey, from: since },
      ...(until === null ? {} : { until }),
    }));

  return {
    tree() {
      type Row = {
        size: number;
        root: ArrayBuffer;
        checkpoint: string | null;
        signed: number;
        signed_at: number;
      };
      const [row] = all<Row>('SELECT size, root, checkpoint, signed, signed_at FROM tree');
      if (row === undefined) return undefined;
      const { size, root, checkpoint, signed, signed_at: signedAt } = row;
      return {
        size,
        root: new Uint8Array(root),
        checkpoint: checkpoint ?? undefined,
        signed,
        signedAt,
      };
    },
    tile({ level, index }) {
      const [row] = all<{ hashes: ArrayBuffer }>(
        'SELECT hashes FROM tile WHERE level = ? AND place = ?',
        level,
        index,
      );
      return row && new Uint8Array(row.hashes);
    },
    lastOf(account) {
      const [row] = all<{ text: string }>(
        'SELECT text FROM leaf WHERE account = ? ORDER BY first_seq DESC LIMIT 1',
        account,
      );
      return row && parseLeaf(row.text);
    },
    anchorOf(account) {
      const [first] = all<{ text: string }>(
        'SELECT text FROM leaf WHERE account = ? AND first_seq = 1',
        account,
      );
      const leaf = first && parseLeaf(first.text);
      if (leaf !== undefined) return anchorOfLeaf(leaf);
      const [row] = all<{ anchor: ArrayBuffer }>(
        'SELECT anchor FROM carried WHERE account = ?',
        account,
      );
      return row && new Uint8Array(row.anchor);
    },
    slot(number) {
      const [row] = all<{ heads: ArrayBuffer }>('SELECT heads FROM slot WHERE number = ?', number);
      return new Uint8Array(row?.heads ?? new ArrayBuffer());
    },
    slotHashes: () =>
      all<{ number: number; hash: ArrayBuffer }>('SELECT number, hash FROM slot').map(
        ({ number, hash }) => [number, new Uint8Array(hash)],
      ),
    leavesOf: (account, fromSeq, most) =>
      all<{ place: number; text: string }>(
        `SELECT place, text FROM leaf WHERE account = ?1 AND first_seq >= coalesce(
           (SELECT first_seq FROM leaf WHERE account = ?1 AND first_seq <= ?2 ORDER BY first_seq DESC LIMIT 1), 0)
         ORDER BY first_seq LIMIT ?3`,
        account,
        fromSeq,
        most,
      ).map(({ place, text }) => ({ index: place, text })),
    bundle,
    grow({ size, root, tiles, leaves, slots = [], carried = [] }) {
      storage.transactionSync(() => {
        if (!hasTables) sql.exec(TABLES);
        for (const { level, index, bytes } of tiles) {
          sql.exec('INSERT OR REPLACE INTO tile VALUES (?, ?, ?)', level, index, bufferOf(bytes));
        }
        for (const { index, leaf, text } of leaves) {
          if (leaf === undefined) continue;
          sql.exec(
            'INSERT INTO leaf VALUES (?, ?, ?, ?)',
            leaf.account,
            leaf.first.seq,
            index,
            text,
          );
        }
        for (const [number, hash, heads] of slots) {
          const bytes = [bufferOf(hash), bufferOf(heads)];
          sql.exec('INSERT OR REPLACE INTO slot VALUES (?, ?, ?)', number, ...bytes);
        }
        for (const [account, anchor] of carried) {
          sql.exec('INSERT OR IGNORE INTO carried VALUES (?, ?)', account, bufferOf(anchor));
        }
        const byBundle = Map.groupBy(leaves, ({ index }) => Math.floor(index / BUNDLE));
        for (const [number, own] of byBundle) {
          const known = sql
            .exec<{ leaves: string }>('SELECT leaves FROM bundle WHERE number = ?', number)
            .toArray()
            .flatMap((row) => JSON.parse(row.leaves) as string[]);
          const whole = JSON.stringify([...known, ...own.map(({ text }) => text)]);
          sql.exec('INSERT OR REPLACE INTO bundle VALUES (?, ?)', number, whole);
        }
        sql.exec(
          `INSERT INTO tree VALUES (0, ?, ?, NULL, 0, 0)
           ON CONFLICT (id) DO UPDATE SET size = excluded.size, root = excluded.root`,
          size,
          bufferOf(root),
        );
      });
      // Only after the transaction: a failed one also undoes its new tables.
      hasTables = true;
    },
    signers,
    sign({ checkpoint, size, at, publicKeys }) {
      // Write a row only when the keys change: otherwise each checkpoint, every ten seconds, would write two rows.
      const present = signers().filter(({ until }) => until === undefined);
      const retired = present.filter(({ publicKey }) => !publicKeys.includes(publicKey));
      const added = publicKeys.filter((one) => !present.some(({ publicKey }) => publicKey === one));
      storage.transactionSync(() => {
        sql.exec('UPDATE tree SET checkpoint = ?, signed = ?, signed_at = ?', checkpoint, size, at);
        for (const { publicKey } of retired)
          sql.exec(
            'UPDATE signer SET until = ? WHERE public_key = ? AND until IS NULL',
            at,
            publicKey,
          );
        // Attack: a key that signs again after its end must not hide that time. A log rolled back to it would look like one without a change.
        for (const publicKey of added)
          sql.exec(
            'INSERT INTO signer (public_key, since, until) VALUES (?, ?, NULL)',
            publicKey,
            at,
          );
      });
    },
  };
};

const bufferOf = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;
