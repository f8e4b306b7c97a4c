import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Entry, EntryPage } from '../../../src/protocol/entry.ts';
import { type EventSource, eventStream } from '../../../src/management/event-stream.ts';
import { entryText } from '../../../src/audit/entry.ts';
import { storeChunk } from '../../../src/audit/store.ts';
import { readLog, verifyRun } from '../../../src/audit/verify.ts';
import { db, freshDatabase, messageOf } from '../audit/database.ts';
import { accountOf, entriesOf, randomHex, topUp } from '../../durable-objects/support.ts';
import { callOnce } from '../../durable-objects/tree-support.ts';
import { accepted, ALICE, committed, denied, history, START } from '../audit/history.ts';

beforeEach(freshDatabase);
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type Asked = { readonly after: number; readonly waitMs: number; readonly limit: number };

/** An account whose chain grows as the test directs. It keeps the entries that are not exported. */
const accountWith = (chain: readonly Entry[], exported = 0) => {
  const state = { chain, exported, fails: 0 };
  const asked: Asked[] = [];
  let wake = (): void => undefined;
  const read = (after: number, limit: number): EntryPage => ({
    verdict: 'found',
    entries:
      after < state.exported ? [] : state.chain.filter(({ seq }) => seq > after).slice(0, limit),
    exported: state.exported,
    head: state.chain.length,
  });
  const source: EventSource = {
    db,
    account: () => ({
      async entries(after, waitMs, limit) {
        asked.push({ after, waitMs, limit });
        if (state.fails > 0) {
          state.fails -= 1;
          if (state.fails % 2 === 0) throw new Error('reset');
          return { verdict: 'unavailable' };
        }
        const now = read(after, limit);
        if (now.verdict !== 'found' || after < now.head || waitMs === 0) return now;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        return read(after, limit);
      },
    }),
  };
  return {
    source,
    asked,
    state,
    grow(more: readonly Entry[]) {
      state.chain = [...state.chain, ...more];
      wake();
    },
  };
};

const clock = () => Math.floor(Date.now() / 1000);

const open = (
  { source }: ReturnType<typeof accountWith>,
  after: number,
  signal: AbortSignal = new AbortController().signal,
) => {
  const reader = eventStream(source, ALICE, ALICE, after, signal, clock).getReader();
  return {
    reader,
    /** The next part as text; undefined at the end. */
    async next(): Promise<string | undefined> {
      const { done, value } = await reader.read();
      return done ? undefined : new TextDecoder().decode(value);
    },
    /** Reads until that many entries have arrived. */
    async entries(count: number): Promise<Entry[]> {
      let text = '';
      while (text.split('\ndata: ').length <= count) text += (await this.next()) ?? '\ndata: ';
      return entriesIn(text);
    },
  };
};

/** Parses a stream like a client: entries with their ids and event names. */
const entriesIn = (text: string): Entry[] => {
  const data = text
    .split('\n\n')
    .filter((block) => block.startsWith('id: '))
    .map((block) => {
      const [id, event, ...rest] = block.split('\n');
      expect(rest).toHaveLength(1);
      const line = rest[0]?.slice('data: '.length) ?? '';
      const entry = JSON.parse(line) as Entry;
      expect([id, event]).toEqual([`id: ${entry.seq}`, `event: ${entry.type}`]);
      return line;
    });
  const read = readLog(data.join('\n'));
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return [...read.value];
};

const chainOf = (count: number): Entry[] =>
  history(
    ALICE,
    Array.from({ length: count }, (_, at) =>
      at % 2 === 0 ? accepted(at, START + at) : committed(at - 1, START + at),
    ),
  );

const store = async (entries: readonly Entry[]): Promise<void> => {
  const stored = await storeChunk(db, await messageOf(entries), START);
  if (!stored.ok) throw new Error(JSON.stringify(stored.error));
};

describe('the stream', () => {
  test('sends the retry time, then each entry with its seq, its type and the hashed text', async () => {
    const chain = chainOf(2);
    const { next } = open(accountWith(chain), 0);
    expect(await next()).toBe('retry: 3000\n\n');
    expect(await next()).toBe(
      chain
        .map((entry) => `id: ${entry.seq}\nevent: ${entry.type}\ndata: ${entryText(entry)}\n\n`)
        .join(''),
    );
  });

  test('sends entries of D1, then of the account, then new ones, without a gap', async () => {
    const chain = chainOf(520);
    await store(chain.slice(0, 250));
    await store(chain.slice(250, 500));
    const account = accountWith(chain.slice(0, 510), 500);
    const stream = open(account, 7);
    const received = await stream.entries(503);
    account.grow(chain.slice(510));
    received.push(...(await stream.entries(10)));
    expect(received).toEqual(chain.slice(7));
    expect(verifyRun(received)).toMatchObject({ ok: true, value: { first: 8, last: 520 } });
  });

  test('continues after the client’s last event id', async () => {
    const chain = chainOf(6);
    await store(chain.slice(0, 4));
    const account = accountWith(chain, 4);
    expect(await open(account, 3).entries(3)).toEqual(chain.slice(3));
    expect(await open(account, 4).entries(2)).toEqual(chain.slice(4));
  });

  test('skips archived entries and no others', async () => {
    const chain = chainOf(8);
    await store(chain.slice(0, 2));
    await store(chain.slice(2, 4));
    await store(chain.slice(4, 6));
    const archive = async (seq: number): Promise<void> => {
      await db
        .prepare(
          `INSERT INTO archived SELECT account, last_seq, last_hash, 1 FROM chunks WHERE last_seq = ?1
           ON CONFLICT (account) DO UPDATE SET last_seq = excluded.last_seq, last_hash = excluded.last_hash`,
        )
        .bind(seq)
        .run();
      await db.prepare('DELETE FROM chunks WHERE last_seq <= ?1').bind(seq).run();
    };
    await archive(2);
    expect(await open(accountWith(chain, 6), 0).entries(6)).toEqual(chain.slice(2));
    await archive(6);
    expect(await open(accountWith(chain, 6), 0).entries(2)).toEqual(chain.slice(6));
    // D1 lacks entries that the account has deleted: a gap would look like a forged log.
    const { next } = open(accountWith(chain, 8), 6);
    await next();
    expect(await next()).toBe(': not available, trying again\n\n');
  });

  test('starts at the head of the chain for a seq beyond it', async () => {
    const chain = chainOf(4);
    const account = accountWith(chain.slice(0, 2));
    const stream = open(account, 99);
    await stream.next();
    account.grow([]);
    const received = stream.entries(2);
    await vi.waitFor(() => expect(account.asked.at(-1)?.after).toBe(2));
    account.grow(chain.slice(2));
    expect(await received).toEqual(chain.slice(2));
  });

  test('has no line break in data, whatever an entry holds', async () => {
    const [entry] = history(ALICE, [
      { ...denied(1), tool: 'a\nid: 7\r\n\u2028b', outcome: { '\n': '\n' } },
    ]);
    expect(await open(accountWith([entry as Entry]), 0).entries(1)).toEqual([entry]);
  });

  test('continues after a failure', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const chain = chainOf(2);
    const account = accountWith(chain);
    account.state.fails = 2;
    const { next } = open(account, 0);
    await next();
    expect(await next()).toBe(': not available, trying again\n\n');
    expect(await next()).toBe(': not available, trying again\n\n');
    expect(entriesIn((await next()) ?? '')).toEqual(chain);
  });
});

test('streams the calls of a real account as they happen', async () => {
  const payer = randomHex(20);
  await topUp(payer, 1_000n);
  const source: EventSource = { db, account: (id) => env.AGENT_ACCOUNT.getByName(id) };
  const { signal } = new AbortController();
  const reader = eventStream(source, accountOf(payer), ALICE, 0, signal, clock).getReader();
  let text = '';
  const readUntil = async (part: string): Promise<void> => {
    while (!text.includes(part)) text += new TextDecoder().decode((await reader.read()).value);
  };
  await readUntil('event: call.finished');
  const call = callOnce(payer, 10n);
  await readUntil('"price":"10"');
  await call;
  await readUntil('"charged":"10"');
  await reader.cancel();
  expect(entriesIn(text)).toEqual(await entriesOf(payer));
});

describe('a client', () => {
  test('gets a heartbeat every fifteen seconds, and is disconnected after five minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: START * 1_000 });
    const account = accountWith([]);
    const { next } = open(account, 0);
    await next();
    const heard: number[] = [];
    for (let piece = next(); ; piece = next()) {
      await vi.advanceTimersByTimeAsync(15_000);
      const text = await piece;
      if (text === undefined) break;
      expect(text).toMatch(/^: nothing new\nid: \d+\n\n$/);
      heard.push(clock() - START);
    }
    expect(Math.max(...heard.slice(1).map((at, index) => at - (heard[index] ?? 0)))).toBe(15);
    expect(heard.at(-1)).toBe(300);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that starts with new entries gets the current seq at once', async () => {
    const { next } = open(accountWith(chainOf(3)), Number.MAX_SAFE_INTEGER);
    expect(await next()).toContain('retry:');
    expect(await next()).toBe(': nothing new\nid: 3\n\n');
  });

  test('gets nothing after its five minutes, however many entries are left', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: START * 1_000 });
    const { next } = open(accountWith(chainOf(900)), 0);
    await next();
    expect(await next()).toContain('id: 200\n');
    vi.setSystemTime((START + 300) * 1_000);
    expect(await next()).toBeUndefined();
  });

  test('that does not read causes no calls', async () => {
    const account = accountWith(chainOf(900));
    const { next } = open(account, 0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(account.asked).toEqual([]);
    await next();
    await next();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(account.asked).toEqual([{ after: 0, waitMs: 0, limit: 200 }]);
  });

  test('that disconnects ends the wait', async () => {
    const account = accountWith([]);
    const { reader, next } = open(account, 0);
    await next();
    await next();
    const waiting = next();
    await vi.waitFor(() => expect(account.asked).toHaveLength(2));
    await reader.cancel();
    expect(await waiting).toBeUndefined();
    account.grow(chainOf(1));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(account.asked).toHaveLength(2);
  });

  test.each(['before', 'while it waits'])(
    'whose request is aborted %s ends the stream',
    async (when) => {
      const account = accountWith([]);
      const controller = new AbortController();
      if (when === 'before') controller.abort();
      const { next } = open(account, 0, controller.signal);
      await next();
      if (when !== 'before') await next();
      const waiting = next();
      if (when !== 'before') {
        await vi.waitFor(() => expect(account.asked).toHaveLength(2));
        controller.abort();
      }
      expect(await waiting).toBeUndefined();
    },
  );

  test('that disconnects during a failure leaves no timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const account = accountWith([]);
    account.state.fails = 1_001;
    const { next, reader } = open(account, 0);
    await next();
    const waiting = next();
    await vi.advanceTimersByTimeAsync(1);
    await reader.cancel();
    await waiting;
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
