import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeChunk } from '../../../src/audit/read-chunk.ts';
import type { Entry } from '../../../src/protocol/entry.ts';

/** A row of the table `calls`. */
export type CallRow = {
  readonly state: string;
  readonly tool: string;
  readonly charged: number;
  readonly status: number | null;
  readonly reason: string | null;
  readonly paid_by: string;
  readonly binding: string;
};

/** The outcome of a payment, from the row of its call. */
export type PaymentRow = {
  readonly state: string;
  readonly amount: number;
  readonly credited: number;
  readonly transaction_hash: string | null;
};

/** Reads the gateway's audit database from its file. Rows arrive through a queue, so the last ones may be a second late. */
export type Audit = {
  readonly call: (id: string) => CallRow | undefined;
  readonly payment: (id: string) => PaymentRow | undefined;
  /** All exported entries of an account (CAIP-10), in order. */
  readonly entries: (account: string) => Promise<readonly Entry[]>;
};

const databaseFile = (state: string): string => {
  const folder = join(state, 'v3', 'd1', 'miniflare-D1DatabaseObject');
  const files = readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  const [file, ...others] = files;
  if (file === undefined || others.length > 0)
    throw new Error(`${folder} holds ${files.length} databases`);
  return join(folder, file);
};

/** Opens the audit database in the state directory of a gateway, anew for each query. */
export const openAudit = (state: string): Audit => {
  const rows = (query: string, id: string): readonly unknown[] => {
    const database = new DatabaseSync(databaseFile(state), { readOnly: true, timeout: 30_000 });
    try {
      return database.prepare(query).all(id);
    } finally {
      database.close();
    }
  };
  const row = (query: string, id: string): unknown => rows(query, id)[0];
  return {
    call: (id) =>
      row(
        'SELECT state, tool, charged, status, reason, paid_by, binding FROM calls WHERE call = ?',
        id,
      ) as CallRow | undefined,
    payment: (id) =>
      row(
        `SELECT payment AS state, amount, credited, transaction_hash FROM calls WHERE call = ? AND payment <> 'open'`,
        id,
      ) as PaymentRow | undefined,
    entries: async (account) => {
      const chunks = rows('SELECT body FROM chunks WHERE account = ? ORDER BY first_seq', account);
      const read = await Promise.all(
        (chunks as readonly { readonly body: Uint8Array }[]).map(
          async ({ body }) => await decodeChunk(body),
        ),
      );
      return read.flatMap((chunk) => {
        if (!chunk.ok) throw new Error(`a chunk of ${account} is ${chunk.error.kind}`);
        return chunk.value;
      });
    },
  };
};
