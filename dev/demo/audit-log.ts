import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeChunk } from '../../src/audit/chunk.ts';
import { entryHash, entryText, GENESIS } from '../../src/audit/entry.ts';
import { type Entry } from '../../src/protocol/entry.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import { dollars, type Purchase } from './purchase.ts';
import type { Scene } from './scene.ts';

/** Where `wrangler dev` keeps D1, below the directory it persists to. */
const DATABASES = 'state/v3/d1/miniflare-D1DatabaseObject';

const POLL_MS = 100;

/** The chunks of an account in the local audit database, oldest first. None while there is no database yet. */
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

/** Every entry of an account that has reached the audit database. Throws for a chunk that is none. */
const readEntries = async (directory: string, account: string): Promise<readonly Entry[]> => {
  const entries: Entry[] = [];
  for (const chunk of await readChunks(directory, account)) {
    const decoded = await decodeChunk(chunk);
    if (!decoded.ok) throw new Error(`a chunk cannot be read: ${JSON.stringify(decoded.error)}`);
    entries.push(...decoded.value);
  }
  return entries;
};

/**
 * Reads an account's log out of the audit database of a gateway's state directory, once it holds what is awaited or the
 * time is over.
 */
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

/** One entry for people. */
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

/** What the agent has bought. */
export type Bought = {
  readonly payments: readonly Purchase[];
  readonly fromCredit: Purchase;
};

/** The agent's log, once it tells how every payment ended, and of the refusal. */
export const readLog = async (scene: Scene, { payments }: Bought): Promise<readonly Entry[]> => {
  const { narrator, directory, account, patience } = scene;
  const complete = (entries: readonly Entry[]): boolean => {
    const settled = settledCalls(entries);
    const all = payments.every(({ call }) => settled.includes(call));
    return all && entries.some(({ type }) => type === 'call.denied');
  };
  return await narrator.during(
    'waiting for the log (a refusal is written after ten seconds)',
    auditLog(directory, account, complete, patience),
  );
};

/** Whether the log holds: its chain, every payment's end, and the entries and policies that receipts name. */
export const checkLog = (
  { narrator, account }: Scene,
  { payments, fromCredit }: Bought,
  entries: readonly Entry[],
): void => {
  for (const entry of entries) narrator.say(describe(entry));
  const text = entries.map((entry) => `${entryText(entry)}\n`).join('');
  const verified = verifyLog(text, { account, after: GENESIS });
  narrator.check(
    `hash chain verified: ${entries.length} entries, none missing, none altered`,
    verified.ok,
    verified.ok ? '' : JSON.stringify(verified.error),
  );
  const settled = settledCalls(entries);
  narrator.check(
    'every payment ended as settled',
    payments.every((paid) => settled.filter((call) => call === paid.call).length === 1),
    `${settled.length} of ${payments.length}`,
  );
  const denied = entries.filter(({ type }) => type === 'call.denied').map(({ rule }) => rule);
  narrator.check(
    'the refusal is in it, with its rule',
    denied.length === 1 && denied[0] === 'per_call',
    denied.join(', ') || 'none',
  );
  const byHash = new Map(entries.map((entry) => [entryHash(entry) as string, entry]));
  narrator.check(
    'every receipt rests on an entry of this log',
    [...payments, fromCredit].every(({ receipt, call }) => {
      if (!receipt.valid) return false;
      const entry = byHash.get(receipt.entry);
      return entry?.call === call && entry.policy === receipt.policy;
    }),
    'one that does not',
  );
};
