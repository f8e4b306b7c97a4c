import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Entry } from '../../../src/protocol/entry.ts';
import { type EventSource, eventStream } from '../../../src/management/event-stream.ts';
import { entryText } from '../../../src/audit/entry.ts';
import { verifyRun } from '../../../src/audit/run.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accountOf, entriesOf, randomHex, topUp } from '../../durable-objects/support.ts';
import { callOnce } from '../../durable-objects/tree-support.ts';
import { ALICE, denied, history } from '../audit/history.ts';
import { accountWith, clock, open, entriesIn, chainOf, store } from './event-source.ts';

beforeEach(freshDatabase);

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

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

  test('begins with the newest entries that the client asks for, and goes on without a gap', async () => {
    const chain = chainOf(12);
    await store(chain.slice(0, 8));
    const account = accountWith(chain.slice(0, 10), 8);
    const stream = open(account, -4);
    // Two entries come from D1 and two from the account, each once.
    const received = await stream.entries(4);
    account.grow(chain.slice(10));
    received.push(...(await stream.entries(2)));
    expect(received).toEqual(chain.slice(6));
    expect(await open(accountWith(chain.slice(0, 3)), -30).entries(3)).toEqual(chain.slice(0, 3));
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
    // D1 lacks entries that the account has deleted. The stream must stop, because a gap would look like a forged log.
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
    await vi.waitFor(() => expect(account.reads.at(-1)?.after).toBe(2), { timeout: 30_000 });
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
