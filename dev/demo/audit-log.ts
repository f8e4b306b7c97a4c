import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeChunk } from '../../src/audit/read-chunk.ts';
import { entryHash, GENESIS } from '../../src/audit/entry.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { verifyRun } from '../../src/audit/run.ts';
import { dollars, type Purchase } from './purchase.ts';
import type { Scene } from './scene.ts';

/** Where Miniflare stores D1, below the state directory of the gateway. */
const DATABASES = 'state/v3/d1/miniflare-D1DatabaseObject';

const POLL_MS = 100;

/** Reads the chunks of an account from the local audit database, oldest first. Empty before the database exists. */
const readChunks = async (directory: string, account: string): Promise<readonly Uint8Array[]> => {
  const folder = join(directory, DATABASES);
  const names = (await readdir(folder)).filter(
    (name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite',
  );
  for (const name of names) {
    const database = new DatabaseSync(join(folder, name), { readOnly: true, timeout: 2000 });
    try {
      const tables = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'chunks'").all();
      if (tables.length === 0) continue;
      const rows = database
        .prepare('SELECT body FROM chunks WHERE account = ? ORDER BY first_seq')
        .all(account);
      return rows.flatMap(({ body }) => (body instanceof Uint8Array ? [body] : []));
    } finally {
      database.close();
    }
  }
  return [];
};

/** Reads every entry of an account in the audit database. @throws Error for an invalid chunk. */
const readEntries = async (directory: string, account: string): Promise<readonly Entry[]> => {
  const entries: Entry[] = [];
  for (const chunk of await readChunks(directory, account)) {
    const decoded = await decodeChunk(chunk);
    if (!decoded.ok) throw new Error(`a chunk is invalid: ${JSON.stringify(decoded.error)}`);
    entries.push(...decoded.value);
  }
  return entries;
};

/** Reads the log of an account from a gateway's state directory, once the log is complete or after a timeout. */
export const auditLog = async (
  directory: string,
  account: string,
  complete: (entries: readonly Entry[]) => boolean,
  milliseconds: number,
): Promise<readonly Entry[]> => {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const entries = await readEntries(directory, account);
    if (complete(entries) || Date.now() > deadline) return entries;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};

const settledCalls = (entries: readonly Entry[]): readonly (string | undefined)[] =>
  entries.filter(({ type }) => type === 'payment.settled').map(({ call }) => call);

/** Formats an entry as one line. */
const describe = (entry: Entry): string => {
  const amount =
    entry.amounts?.['charged'] ?? entry.amounts?.['price'] ?? entry.amounts?.['amount'];
  const words = [
    entry.seq.toString().padStart(2),
    entry.type.padEnd(15),
    (entry.tool ?? '').padEnd(19),
    (amount === undefined ? '' : dollars(amount)).padEnd(7),
    entry.rule ?? '',
  ];
  return words.join('  ').trimEnd();
};

/** The calls that the agent bought. */
export type Bought = {
  readonly payments: readonly Purchase[];
  readonly fromCredit: Purchase;
};

/** Reads the agent's log once it has the end of every call and payment, and the denial. */
export const readLog = async (
  scene: Scene,
  { payments, fromCredit }: Bought,
): Promise<readonly Entry[]> => {
  const { narrator, directory, account, patience } = scene;
  const complete = (entries: readonly Entry[]): boolean => {
    const settled = settledCalls(entries);
    const ended = entries.filter(({ type }) => type === 'call.finished').map(({ call }) => call);
    const all =
      payments.every(({ call }) => settled.includes(call)) &&
      [...payments, fromCredit].every(({ call }) => ended.includes(call));
    return all && entries.some(({ type }) => type === 'call.denied');
  };
  return await narrator.during(
    'waiting for the log (denials are written after ten seconds)',
    auditLog(directory, account, complete, patience),
  );
};

/** Checks the log: its hash chain, the end of every payment, and the entries and policies that receipts name. */
export const checkLog = (
  { narrator, account }: Scene,
  { payments, fromCredit }: Bought,
  entries: readonly Entry[],
): void => {
  for (const entry of entries) narrator.detail(describe(entry));
  const verified = verifyRun(entries, { account, after: GENESIS });
  narrator.check(
    `hash chain verified: ${entries.length} entries, none missing, none changed`,
    verified.ok,
    verified.ok ? '' : JSON.stringify(verified.error),
  );
  const settled = settledCalls(entries);
  narrator.check(
    'every payment is settled',
    payments.every((paid) => settled.filter((call) => call === paid.call).length === 1),
    `${settled.length} of ${payments.length}`,
  );
  const denied = entries.filter(({ type }) => type === 'call.denied').map(({ rule }) => rule);
  narrator.check(
    'the denial is in the log with its rule',
    denied.length === 1 && denied[0] === 'per_call',
    denied.join(', ') || 'none',
  );
  const byHash = new Map(entries.map((entry) => [entryHash(entry) as string, entry]));
  narrator.check(
    'every receipt names an entry of this log',
    [...payments, fromCredit].every(({ receipt, call }) => {
      if (!receipt.valid) return false;
      const entry = byHash.get(receipt.entry);
      return entry?.call === call && entry.policy === receipt.policy;
    }),
    'a receipt that does not',
  );
};
