import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import type { AgentAccount } from '../../durable-objects/account/agent-account.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { countedDatabase } from './counted-database.ts';
import { type Counted, type Counts, NOTHING } from './counts.ts';

/** A message that an object sent and that its consumer has not acknowledged yet. */
export type Sent = { readonly queue: string; readonly body: unknown; readonly operations: number };

/** Counts operations. A cursor knows the rows that it read only after it was read, so `counts` adds them up. */
export type Meter = {
  add(name: Counted, more?: number): void;
  counts(): Counts;
  /** Starts to count storage and queues of an object. Call it again after each eviction. */
  watch(account: AccountId): Promise<void>;
  /** Waits until the object has sent its pending messages, and returns those since the last call. */
  sent(account: AccountId): Promise<readonly Sent[]>;
};

/** The bytes of a message that are one billed operation, and the overhead of each message (pricing of Queues). */
const CHUNK_BYTES = 64_000;
const OVERHEAD = 100;

/** Estimates the size of a message: JSON, with byte arrays at their length. A structured clone adds a few dozen bytes. */
const sizeOf = (body: unknown): number => {
  let bytes = 0;
  const text = JSON.stringify(body, (_, value: unknown) => {
    if (!(value instanceof Uint8Array)) return value;
    bytes += value.byteLength;
    return '';
  });
  return text.length + bytes;
};

export const openMeter = (): Meter => {
  const counts: Record<Counted, number> = { ...NOTHING };
  let cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  let outbox: Sent[] = [];
  let sending: Promise<unknown>[] = [];
  let database: D1Database | undefined;

  const add = (name: Counted, more = 1): void => {
    counts[name] += more;
  };
  const took = (queue: 'settlement' | 'audit', body: unknown): void => {
    const bytes = sizeOf(body);
    const chunks = Math.ceil((bytes + OVERHEAD) / CHUNK_BYTES);
    add(`${queue}Messages`);
    add(`${queue}Bytes`, bytes);
    // A write, a read and a delete. Each further read counts where it happens.
    add('operations', 3 * chunks);
    outbox.push({ queue: `countersign-${queue}`, body, operations: chunks });
  };

  const meter: Meter = {
    add,
    counts: () => {
      for (const { rowsRead, rowsWritten } of cursors) {
        add('objectRead', rowsRead);
        add('objectWritten', rowsWritten);
      }
      cursors = [];
      return { ...counts };
    },
    sent: async (account) => {
      await runInDurableObject(env.AGENT_ACCOUNT.getByName(account), async () => {
        while (sending.length > 0) {
          const under = sending;
          sending = [];
          await Promise.allSettled(under);
        }
      });
      const all = outbox;
      outbox = [];
      return all;
    },
    watch: (account) =>
      runInDurableObject(env.AGENT_ACCOUNT.getByName(account), (object: AgentAccount, state) => {
        const { storage } = state;
        const { sql } = storage;
        const exec = sql.exec.bind(sql);
        vi.spyOn(sql, 'exec').mockImplementation(((
          query: string,
          ...bindings: SqlStorageValue[]
        ) => {
          const cursor = exec(query, ...bindings);
          cursors.push(cursor);
          return cursor;
        }) as typeof sql.exec);
        const setAlarm = storage.setAlarm.bind(storage);
        vi.spyOn(storage, 'setAlarm').mockImplementation((...args) => {
          add('objectWritten');
          return setAlarm(...args);
        });
        const waitUntil = state.waitUntil.bind(state);
        vi.spyOn(state, 'waitUntil').mockImplementation((promise) => {
          sending.push(promise);
          waitUntil(promise);
        });
        const { SETTLEMENT_QUEUE, AUDIT_QUEUE, AUDIT_DB } = Reflect.get(object, 'env') as Env;
        const counted = (database ??= countedDatabase(AUDIT_DB, meter));
        vi.spyOn(AUDIT_DB, 'prepare').mockImplementation((query) => counted.prepare(query));
        vi.spyOn(SETTLEMENT_QUEUE, 'sendBatch').mockImplementation((messages) => {
          for (const { body } of messages) took('settlement', body);
          return Promise.resolve({} as QueueSendBatchResponse);
        });
        vi.spyOn(AUDIT_QUEUE, 'send').mockImplementation((body) => {
          took('audit', body);
          return Promise.resolve({} as QueueSendResponse);
        });
      }),
  };
  return meter;
};
