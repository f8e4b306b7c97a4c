import { env } from 'cloudflare:workers';
import { gunzipSync } from 'node:zlib';
import type { ArchiveDeps, WrittenObject } from '../../../../src/audit/archive/archive-deps.ts';
import { entryHash, GENESIS } from '../../../../src/audit/entry.ts';
import { storeChunk } from '../../../../src/audit/store.ts';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import type { AlertBody } from '../../../../src/protocol/alert.ts';
import type { ChainHead, Entry, EntryBody } from '../../../../src/protocol/entry.ts';
import { db, freshDatabase, messageOf } from '../database.ts';
import { accepted, accountOf, committed, history, settled } from '../history.ts';

export const DAY = 86_400;
/** A midnight in UTC. */
export const MIDNIGHT = 1_800_057_600;
export const ANN = accountOf(1);
export const BOB = accountOf(2);

/** The real local R2. */
export const bucket = (env as unknown as { AUDIT_ARCHIVE: R2Bucket }).AUDIT_ARCHIVE;

/** An empty database and an empty bucket. */
export const freshArchive = async (): Promise<void> => {
  await freshDatabase();
  const { objects } = await bucket.list();
  if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
};

/** The dependencies of an archive run, and the messages that it sent to the gateway's account. */
export const openDeps = (retainDays = 90) => {
  const alerts: AlertBody[] = [];
  const recorded = new Map<string, WrittenObject>();
  const deps: ArchiveDeps = {
    ...{ db, bucket, retainDays },
    raise: async (alert) => {
      alerts.push(alert);
      return true;
    },
    record: async (object) => {
      recorded.set(object.sha256, object);
      return true;
    },
  };
  return { deps, alerts, recorded };
};

/** Accounts that write entries, with a record of all that they wrote. */
export const openChains = () => {
  const heads = new Map<AccountId, ChainHead>();
  const written = new Map<AccountId, Entry[]>();
  return {
    written,
    /** Stores these entries of an account as one chunk, at a given time. */
    store: async (
      account: AccountId,
      bodies: readonly EntryBody[],
      at: number,
    ): Promise<readonly Entry[]> => {
      const entries = history(account, bodies, heads.get(account) ?? GENESIS);
      const last = entries.at(-1) as Entry;
      heads.set(account, { seq: last.seq, hash: entryHash(last) });
      written.set(account, [...(written.get(account) ?? []), ...entries]);
      const stored = await storeChunk(db, await messageOf(entries), at);
      if (!stored.ok) throw new Error(JSON.stringify(stored.error));
      return entries;
    },
  };
};

/** The objects in R2 by name, each as its lines, decompressed without the code under test. */
export const objectsIn = async (
  prefix: string,
): Promise<ReadonlyMap<string, readonly unknown[]>> => {
  const { objects } = await bucket.list({ prefix });
  const found = new Map<string, readonly unknown[]>();
  for (const { key } of objects) {
    const object = (await bucket.get(key)) as R2ObjectBody;
    const text = gunzipSync(new Uint8Array(await object.arrayBuffer())).toString();
    const lines = text.split('\n').filter((line) => line !== '');
    found.set(
      key,
      lines.map((line) => JSON.parse(line) as unknown),
    );
  }
  return found;
};

export const count = async (table: string): Promise<number> =>
  (await db.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>('n')) ?? 0;

/** Two accounts with a settled call on each of these days. */
export const settledCalls = async (days: number) => {
  const chains = openChains();
  for (let day = 0; day < days; day += 1) {
    const at = MIDNIGHT + day * DAY + 60;
    for (const [place, account] of [BOB, ANN].entries()) {
      const call = 10 * day + place;
      await chains.store(account, [accepted(call, at), committed(call, at + 1)], at + 2);
      await chains.store(account, [settled(call, at + 9)], at + 10);
    }
  }
  return chains;
};
