import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import type { EntryPage } from '../../../../src/protocol/account/entries.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { entriesOf, intentCallOf, randomHex, snapshotOf, stubOf, tablesOf } from '../../support.ts';
import { callOnce, ownerWith, pause, putToSleep, restore, rowsOf } from '../../tree-support.ts';

afterEach(restore);

const WAIT = 20_000;

const found = (happened: EntryPage): Extract<EntryPage, { readonly verdict: 'found' }> => {
  if (happened.verdict !== 'found') throw new Error(happened.verdict);
  return happened;
};

const ask = async (payer: Hex, after: number, waitMs = 0, limit = 200) =>
  found(await stubOf(payer).entries(after, waitMs, limit));

const headOf = async (payer: Hex): Promise<number> => (await snapshotOf(payer)).seq;

/** Whether a promise has an answer already. */
const isAnswered = async (promise: Promise<unknown>): Promise<boolean> => {
  const open = Symbol('open');
  return (await Promise.race([promise, pause(50).then(() => open)])) !== open;
};

/** Lets no commit become durable before it is told to; says how many have waited. */
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

const failOnce = (payer: Hex): Promise<void> =>
  runInDurableObject(stubOf(payer), (_: AgentAccount, { storage }) => {
    vi.spyOn(storage, 'transactionSync').mockImplementationOnce(() => {
      throw new Error('disk full');
    });
  });

describe('what has happened', () => {
  test('is every entry after the place that was asked for, in order, in pages', async () => {
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
  ])('is asked for in nonsense without harm: %d %d %d', async (after, waitMs, limit) => {
    const payer = await ownerWith(10_000n);
    const { entries } = await ask(payer, after, waitMs, limit);
    expect(entries).toEqual((await entriesOf(payer)).slice(0, 1));
  });

  test('of an account that is not there is nothing, and writes nothing', async () => {
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

  test('that is in D1 and no longer here is looked for there, at once and without a gap', async () => {
    const payer = await ownerWith(10_000n);
    const alert = { rule: 'dead_letter', detail: { id: 'a' } } as const;
    await stubOf(payer).apply({ kind: 'alert', alert });
    await callOnce(payer, 1n);
    const all = await entriesOf(payer);
    const head = all.length;
    await stubOf(payer).exported(head);
    // The alert's row goes, the calls' rows stay: what is left has a hole.
    await runDurableObjectAlarm(stubOf(payer));
    await putToSleep(payer);
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

  test('stays in memory for those who listen, also when it is in D1', async () => {
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

  test('is whole where thousands wait for their export', async () => {
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
    // The newest come from memory: a backlog is not read once for each who listens.
    const scans = await runInDurableObject(stubOf(payer), (_: AgentAccount, { storage }) => {
      return vi.spyOn(storage.sql, 'exec');
    });
    expect((await ask(payer, all.length - 200)).entries).toHaveLength(200);
    expect(scans).not.toHaveBeenCalled();
  });
});

describe('waiting', () => {
  test('ends with the next commit that adds entries', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const waiting = ask(payer, head, WAIT);
    expect(await isAnswered(waiting)).toBe(false);
    // A commit that adds none is none to hear of.
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

  test('ends by itself', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const began = performance.now();
    expect((await ask(payer, head, 100)).entries).toEqual([]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(90);
  });

  test('shows nothing before its commit is durable', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const waiting = ask(payer, head, WAIT);
    await pause(20);
    const { release, waited } = await holdCommits(payer);
    const call = callOnce(payer, 1n);
    await vi.waitFor(() => expect(waited.commits).toBe(1));
    const late = ask(payer, head, WAIT);
    expect(await isAnswered(Promise.race([waiting, late]))).toBe(false);
    release();
    expect((await waiting).entries[0]).toMatchObject({ seq: head + 1 });
    expect((await late).entries[0]).toMatchObject({ seq: head + 1 });
    await call;
  });

  test('shows nothing that was decided in its own group, and misses nothing of it', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const { release, waited } = await holdCommits(payer);
    // They end in no test: a later commit would wake who had missed this one.
    const begin = () =>
      stubOf(payer).reserve(intentCallOf(payer, { settlement: 'credit' }), randomHex(16), {});
    const first = begin();
    await vi.waitFor(() => expect(waited.commits).toBe(1));
    // One group: it is decided while the first is being made durable, call before reader.
    const [second, quick, patient] = [begin(), ask(payer, head + 1), ask(payer, head + 1, WAIT)];
    await pause(20);
    release();
    expect(await quick).toMatchObject({ entries: [], head: head + 1 });
    expect(await isAnswered(patient)).toBe(true);
    expect((await patient).entries[0]).toMatchObject({ seq: head + 2 });
    expect((await Promise.all([first, second])).map(({ verdict }) => verdict)).toEqual([
      'go',
      'go',
    ]);
  });

  test('shows nothing of a commit that has failed', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const waiting = ask(payer, head, WAIT);
    await pause(20);
    await failOnce(payer);
    expect((await callOnce(payer, 1n)).verdict).toBe('unavailable');
    expect(await isAnswered(waiting)).toBe(false);
    expect(await ask(payer, head)).toMatchObject({ entries: [], head });
    await callOnce(payer, 2n);
    const { entries } = await waiting;
    expect(entries[0]).toMatchObject({ seq: head + 1, amounts: { price: '2' } });
    expect((await entriesOf(payer)).slice(head, head + entries.length)).toEqual(entries);
  });

  test('takes as long as it may at most, and leaves no timer behind', async () => {
    const payer = await ownerWith(10_000n);
    const head = await headOf(payer);
    const set = vi.spyOn(globalThis, 'setTimeout');
    const cleared = vi.spyOn(globalThis, 'clearTimeout');
    const timersOf = (milliseconds: number) =>
      set.mock.calls.flatMap(([, after], at) =>
        after === milliseconds ? [set.mock.results[at]?.value as unknown] : [],
      );
    const waiting = [ask(payer, head, 3_600_000), ask(payer, head, 12_345)];
    await pause(20);
    expect(timersOf(3_600_000)).toEqual([]);
    const timers = [...timersOf(25_000), ...timersOf(12_345)];
    expect(timers).toHaveLength(2);
    await callOnce(payer, 1n);
    await Promise.all(waiting);
    const ids = cleared.mock.calls.map(([id]) => id as unknown);
    expect(timers.every((timer) => ids.includes(timer))).toBe(true);
    expect(await ask(payer, head, 12_345)).toMatchObject({ head: head + 2 });
  });

  test('is cheap: three hundred wait for one call, which costs what it always does', async () => {
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
