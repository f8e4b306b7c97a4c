import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import { entryText } from '../../../../src/audit/entry.ts';
import { verifyLog } from '../../../support/verify-log.ts';
import type { EntryPage } from '../../../../src/protocol/entry.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  accountOf,
  entriesOf,
  failNextWrite,
  intentCallOf,
  randomHex,
  snapshotOf,
  stubOf,
  tablesOf,
} from '../../support.ts';
import {
  branchWith,
  callOnce,
  ownerWith,
  pause,
  putToSleep,
  restore,
  rowsOf,
} from '../../tree-support.ts';

afterEach(restore);

const WAIT = 20_000;
const PATIENCE = { timeout: 30_000 };

const found = (happened: EntryPage): Extract<EntryPage, { readonly verdict: 'found' }> => {
  if (happened.verdict !== 'found') throw new Error(happened.verdict);
  return happened;
};

const ask = async (payer: Hex, after: number, waitMs = 0, limit = 200) =>
  found(await stubOf(payer).entries(after, waitMs, limit));

const headOf = async (payer: Hex): Promise<number> => (await snapshotOf(payer)).seq;

/** Tells whether a promise settles within 50 ms. */
const isAnswered = async (promise: Promise<unknown>): Promise<boolean> => {
  const open = Symbol('open');
  return (await Promise.race([promise, pause(50).then(() => open)])) !== open;
};

/** Delays the `sync()` of every commit until `release`, and counts the delayed commits. */
const holdCommits = async (payer: Hex) => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const waited = { commits: 0 };
  await runInDurableObject(stubOf(payer), (_: AgentAccount, { storage }) => {
    const sync = storage.sync.bind(storage);
    vi.spyOn(storage, 'sync').mockImplementation(async () => {
      waited.commits += 1;
      await held;
      await sync();
    });
  });
  return { release, waited };
};

describe('entries after a given number', () => {
  test('returns every entry after the given number, in order, in pages', async () => {
    const payer = await ownerWith(10_000n);
    for (const price of [1n, 2n, 3n]) await callOnce(payer, price);
    const all = await entriesOf(payer);
    expect(await ask(payer, 0)).toEqual({
      verdict: 'found',
      entries: all,
      exported: 0,
      head: all.length,
    });
    expect((await ask(payer, 2)).entries).toEqual(all.slice(2));
    expect((await ask(payer, 2, 0, 3)).entries).toEqual(all.slice(2, 5));
    expect((await ask(payer, all.length)).entries).toEqual([]);
    await putToSleep(payer);
    expect((await ask(payer, 1, WAIT, 2)).entries).toEqual(all.slice(1, 3));
  });

  test.each([
    [Number.NaN, Number.NaN, Number.NaN],
    [-5, -5, -5],
    [0.5, 0, 1.5],
  ])(
    'treats invalid numbers as the smallest valid ones: %d %d %d',
    async (after, waitMs, limit) => {
      const payer = await ownerWith(10_000n);
      const { entries } = await ask(payer, after, waitMs, limit);
      expect(entries).toEqual((await entriesOf(payer)).slice(0, 1));
    },
  );

  test('returns nothing for an unknown account and writes no row (law 12)', async () => {
    const stranger = randomHex(20);
    expect(await ask(stranger, 0, 30)).toEqual({
      verdict: 'found',
      entries: [],
      exported: 0,
      head: 0,
    });
    expect(await tablesOf(stranger)).toEqual([]);
    expect(await rowsOf(stranger)).toBe(0);
    const alarm = await runInDurableObject(stubOf(stranger), (_, { storage }) =>
      storage.getAlarm(),
    );
    expect(alarm).toBeNull();
  });

  test('returns no entries after a gap at once, so that the reader continues in D1', async () => {
    const payer = await ownerWith(10_000n);
    const alert = { rule: 'dead_letter', detail: { id: 'a' } } as const;
    await stubOf(payer).apply({ kind: 'alert', alert });
    await callOnce(payer, 1n);
    const all = await entriesOf(payer);
    const head = all.length;
    await stubOf(payer).exported(head);
    // Pruning deletes the alert's row and keeps the calls' rows, which leaves a gap in the stored entries.
    await runDurableObjectAlarm(stubOf(payer));
    await putToSleep(payer);
    await stubOf(payer).exported(head);
    expect(await ask(payer, 0, WAIT)).toEqual({
      verdict: 'found',
      entries: [],
      exported: head,
      head,
    });
    await callOnce(payer, 2n);
    expect((await ask(payer, 1, WAIT)).entries).toEqual([]);
    expect((await ask(payer, head, WAIT)).entries.map(({ seq }) => seq)).toEqual([
      head + 1,
      head + 2,
    ]);
  });

  test('keeps new entries in memory for readers, also after their export', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const first = ask(payer, head, WAIT);
    await callOnce(payer, 1n);
    await first;
    await stubOf(payer).exported(await headOf(payer));
    await callOnce(payer, 2n);
    expect((await ask(payer, head, WAIT)).entries.map(({ seq }) => seq)).toEqual(
      [1, 2, 3, 4].map((more) => head + more),
    );
  });

  test('returns a complete log while thousands of entries await export', async () => {
    const payer = await ownerWith(1_000_000n);
    const listening = ask(payer, 2_000, 1);
    for (let made = 0; made < 26; made += 1) {
      await Promise.all(Array.from({ length: 20 }, () => callOnce(payer, 1n)));
    }
    await listening;
    const all = await entriesOf(payer);
    expect(all.length).toBeGreaterThan(1_000);
    let read: unknown[] = [];
    for (let after = 0; after < all.length;) {
      const { entries } = await ask(payer, after, WAIT);
      read = [...read, ...entries];
      after = entries.at(-1)?.seq ?? Infinity;
    }
    expect(read).toEqual(all);
    // The account serves the newest entries from memory, so that not every reader scans the backlog.
    const scans = await runInDurableObject(stubOf(payer), (_: AgentAccount, { storage }) => {
      return vi.spyOn(storage.sql, 'exec');
    });
    expect((await ask(payer, all.length - 200)).entries).toHaveLength(200);
    expect(scans.mock.calls.filter(([query]) => query !== 'SELECT 1')).toEqual([]);
  });
});

describe('a reader that waits for new entries', () => {
  test('gets an answer with the next commit that adds entries', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const waiting = ask(payer, head, WAIT);
    expect(await isAnswered(waiting)).toBe(false);
    // A commit without entries wakes no reader.
    await stubOf(payer).exported(head);
    expect(await isAnswered(waiting)).toBe(false);
    await callOnce(payer, 1n);
    const { entries } = await waiting;
    expect(entries[0]).toMatchObject({ seq: head + 1, type: 'call.accepted' });
    expect((await ask(payer, entries.at(-1)?.seq ?? 0, WAIT)).entries.at(-1)).toMatchObject({
      seq: head + 2,
      type: 'call.finished',
    });
  });

  test('gets an empty page when its wait time is over', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const began = performance.now();
    expect((await ask(payer, head, 100)).entries).toEqual([]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(90);
  });

  test('sees no entry before its commit is durable', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const waiting = ask(payer, head, WAIT);
    await pause(20);
    const { release, waited } = await holdCommits(payer);
    const call = callOnce(payer, 1n);
    await vi.waitFor(() => expect(waited.commits).toBe(1), PATIENCE);
    const late = ask(payer, head, WAIT);
    expect(await isAnswered(Promise.race([waiting, late]))).toBe(false);
    release();
    expect((await waiting).entries[0]).toMatchObject({ seq: head + 1 });
    expect((await late).entries[0]).toMatchObject({ seq: head + 1 });
    await call;
  });

  test('sees no entry of the group that its read belongs to, and gets them as soon as the group is durable', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const { release, waited } = await holdCommits(payer);
    // These calls must not finish: a later commit would wake a reader that missed this one, and so hide the fault.
    const begin = () =>
      stubOf(payer).reserve(intentCallOf(payer, { settlement: 'credit' }), randomHex(16), {});
    const first = begin();
    await vi.waitFor(() => expect(waited.commits).toBe(1), PATIENCE);
    // While the account persists the first commit, these form one group: first the call, then both reads.
    const [second, quick, patient] = [begin(), ask(payer, head + 1), ask(payer, head + 1, WAIT)];
    await pause(20);
    release();
    expect(await quick).toMatchObject({ entries: [], head: head + 1 });
    // A reader that missed the group would get an empty page when its wait ends.
    expect((await patient).entries[0]).toMatchObject({ seq: head + 2 });
    expect((await Promise.all([first, second])).map(({ verdict }) => verdict)).toEqual([
      'go',
      'go',
    ]);
  });

  test('sees no entry of a failed commit', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const waiting = ask(payer, head, WAIT);
    await pause(20);
    await failNextWrite(payer);
    expect((await callOnce(payer, 1n)).verdict).toBe('unavailable');
    expect(await isAnswered(waiting)).toBe(false);
    expect(await ask(payer, head)).toMatchObject({ entries: [], head });
    await callOnce(payer, 2n);
    const { entries } = await waiting;
    expect(entries[0]).toMatchObject({ seq: head + 1, amounts: { price: '2' } });
    expect((await entriesOf(payer)).slice(head, head + entries.length)).toEqual(entries);
  });

  test('waits at most 25 seconds and clears its timer', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const set = vi.spyOn(globalThis, 'setTimeout');
    const cleared = vi.spyOn(globalThis, 'clearTimeout');
    const timersOf = (milliseconds: number) =>
      set.mock.calls.flatMap(([, after], at) =>
        after === milliseconds ? [set.mock.results[at]?.value as unknown] : [],
      );
    const waiting = [ask(payer, head, 3_600_000), ask(payer, head, 12_345)];
    const timersOfReaders = () => [...timersOf(25_000), ...timersOf(12_345)];
    await vi.waitFor(() => expect(timersOfReaders()).toHaveLength(2), PATIENCE);
    expect(timersOf(3_600_000)).toEqual([]);
    const timers = timersOfReaders();
    await callOnce(payer, 1n);
    await Promise.all(waiting);
    const ids = cleared.mock.calls.map(([id]) => id as unknown);
    expect(timers.every((timer) => ids.includes(timer))).toBe(true);
    expect(await ask(payer, head, 12_345)).toMatchObject({ head: head + 2 });
  });

  test('adds no rows to the call that 300 readers wait for', async () => {
    const payer = await ownerWith(10_000n);
    await callOnce(payer, 1n);
    const rows = async (): Promise<number> => {
      const before = await rowsOf(payer);
      await callOnce(payer, 1n);
      return (await rowsOf(payer)) - before;
    };
    const alone = await rows();
    const head = await headOf(payer);
    const waiting = Array.from({ length: 300 }, () => ask(payer, head, WAIT));
    await pause(50);
    expect(await rows()).toBe(alone);
    const answers = await Promise.all(waiting);
    expect(answers.every(({ entries }) => entries[0]?.seq === head + 1)).toBe(true);
  });
});

test('the log of an agent names its ancestors, parent first', async () => {
  const { owner, manager, agent } = await branchWith(1_000n);
  const taken = (await entriesOf(agent)).find(({ type }) => type === 'grant.taken');
  expect(taken?.outcome).toEqual({ above: [accountOf(manager), accountOf(owner)] });
  await callOnce(agent, 10n);
  const accepted = (await entriesOf(agent)).find(({ type }) => type === 'call.accepted');
  expect(accepted?.payment).toMatchObject({ payTo: `0x${'bb'.repeat(20)}` });
  const log = (await entriesOf(agent)).map((entry) => `${entryText(entry)}\n`).join('');
  expect(verifyLog(log)).toMatchObject({ ok: true });
});
