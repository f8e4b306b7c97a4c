import { beforeAll, describe, expect, it } from 'vitest';
import { runArchive } from '../../../../src/audit/archive/run-archive.ts';
import { consumeAudit } from '../../../../src/audit/consumer.ts';
import { dayOf } from '../../../../src/audit/day.ts';
import { entryHash } from '../../../../src/audit/entry.ts';
import { verifyRun } from '../../../../src/audit/run.ts';
import { findCall } from '../../../../src/management/call.ts';
import type { CallFilter } from '../../../../src/management/archived-call-list.ts';
import { listCalls } from '../../../../src/management/call-list.ts';
import type { CallItem } from '../../../../src/management/call-row.ts';
import { listEntries } from '../../../../src/management/entry-list.ts';
import { readLedger } from '../../../../src/management/ledger-query.ts';
import { settlementStory } from '../../../../src/management/settlement-story.ts';
import { cursorOf } from '../../../../src/management/page.ts';
import { queryReason } from '../../../../src/management/reply.ts';
import type { StoredRun } from '../../../../src/protocol/audit-log-contract.ts';
import type { Entry } from '../../../../src/protocol/entry.ts';
import { db, messageOf } from '../database.ts';
import { accepted, accountOf, history, kept, word } from '../history.ts';
import { valueOf } from '../../management/walk.ts';
import {
  ANN,
  BOB,
  bucket,
  count,
  DAY,
  freshArchive,
  MIDNIGHT,
  openDeps,
  settledCalls,
} from './archive-world.ts';

/** Ten days of calls, of which D1 keeps the last three. The tests only read them. */
const tenDays = async () => {
  const chains = await settledCalls(10);
  const listed = await allCalls({}, false, 100);
  const books = await valueOf(readLedger(db, range));
  await runArchive(openDeps(31).deps, MIDNIGHT + 38 * DAY, { steps: 20, objects: 20 });
  expect(await count('calls')).toBe(6);
  expect(await count('chunks')).toBe(12);
  return { chains, listed, books };
};

let world: Awaited<ReturnType<typeof tenDays>>;
beforeAll(async () => {
  await freshArchive();
  world = await tenDays();
});

const range = {
  from: dayOf(MIDNIGHT),
  to: dayOf(MIDNIGHT + 9 * DAY),
  feeOn: () => 1_000n,
};

const away = new Proxy(bucket, {
  get: () => async () => {
    throw new Error('R2 is away.');
  },
});

const allCalls = async (filter: CallFilter, isArchived: boolean, limit: number) => {
  const all: CallItem[] = [];
  let pages = 0;
  for (let after: string | undefined; ;) {
    const request = { ...filter, limit, ...(after === undefined ? {} : { after }) };
    const page = await valueOf(listCalls(db, request, isArchived ? bucket : undefined));
    all.push(...page.items);
    pages += 1;
    expect(page.items.length).toBeLessThanOrEqual(limit);
    if (page.archived === true)
      for (const { acceptedAt } of page.items) expect(acceptedAt).toBeLessThan(MIDNIGHT + 7 * DAY);
    if (page.next === undefined || pages > 60) return all;
    after = page.next;
  }
};

describe('a list of calls', () => {
  it('goes on in R2 where D1 ends, at any page size', async () => {
    const { listed } = world;
    expect(listed.length).toBe(20);
    for (const limit of [1, 3, 100]) expect(await allCalls({}, true, limit)).toEqual(listed);
  });

  it('finds by account, time, tool and state', async () => {
    const { listed } = world;
    const only = (filter: CallFilter, matches: (item: CallItem) => boolean) =>
      expect(allCalls(filter, true, 2)).resolves.toEqual(listed.filter(matches));
    await only({ account: ANN }, ({ account }) => account === ANN);
    await only({ account: accountOf(77) }, () => false);
    const [from, to] = [MIDNIGHT + 2 * DAY + 60, MIDNIGHT + 8 * DAY];
    await only({ from, to }, ({ acceptedAt }) => acceptedAt >= from && acceptedAt < to);
    await only(
      { from, to, account: BOB },
      ({ acceptedAt, account }) => account === BOB && acceptedAt >= from && acceptedAt < to,
    );
    await only({ tool: 'translate' }, () => true);
    await only({ tool: 'other' }, () => false);
    await only({ state: 'released' }, () => false);
  });

  it('takes no cursor of a time that no call can have, and ends before `to` at any cursor', async () => {
    for (const at of [Number.MIN_SAFE_INTEGER, -1, Number.MAX_SAFE_INTEGER]) {
      const after = cursorOf('archived calls', [at, '', '']);
      expect(await listCalls(db, { limit: 9, after }, bucket)).toEqual({
        ok: false,
        error: { kind: 'bad_cursor' },
      });
    }
    const after = cursorOf('archived calls', [MIDNIGHT + 6 * DAY, '', '']);
    const late = { from: Number.MAX_SAFE_INTEGER, limit: 9, after };
    expect((await valueOf(listCalls(db, late, bucket))).items).toEqual([]);
    const to = MIDNIGHT + 2 * DAY;
    const early = await valueOf(listCalls(db, { to, limit: 100, after }, bucket));
    for (const { acceptedAt } of early.items) expect(acceptedAt).toBeLessThan(to);
    expect(await allCalls({ to: Number.MAX_SAFE_INTEGER }, true, 3)).toHaveLength(20);
  });

  it('answers 503 for old pages while R2 is away, and newer ones as ever', async () => {
    const first = await valueOf(listCalls(db, { limit: 6 }, away));
    expect(first.items.length).toBe(6);
    const second = await listCalls(db, { limit: 6, after: first.next }, away);
    expect(second).toMatchObject({ ok: false, error: { kind: 'archive_unavailable' } });
    expect(second.ok ? undefined : queryReason(second.error)).toEqual({
      reason: 'archive_unavailable',
    });
  });
});

it('finds one call by its id, and its story', async () => {
  const { listed, chains } = world;
  for (const item of listed) {
    expect(await valueOf(findCall(db, item.account, item.call, bucket))).toEqual(item);
    const story = await valueOf(settlementStory(db, item.account, item.call, bucket));
    expect(story?.complete).toBe(true);
    expect(story?.entries).toEqual(
      chains.written.get(item.account)?.filter(({ call }) => call === item.call),
    );
  }
  expect(await valueOf(findCall(db, ANN, word(12345), bucket))).toBeUndefined();
});

describe('entries of an account', () => {
  const entriesOf = async (limit: number, type?: Entry['type']) => {
    const all: Entry[] = [];
    for (let after: number | undefined; ;) {
      const page = await valueOf(listEntries(db, ANN, { after, limit, type }, bucket));
      all.push(...page.items);
      if (page.next === undefined) return all;
      after = page.next;
    }
  };

  it('are the whole chain, from R2 and D1', async () => {
    const { chains } = world;
    const written = chains.written.get(ANN) ?? [];
    for (const limit of [1, 4, 1_000]) {
      const read = await entriesOf(limit);
      expect(read).toEqual(written);
      expect(verifyRun(read, { account: ANN }).ok).toBe(true);
    }
    expect(await entriesOf(3, 'payment.settled')).toEqual(
      written.filter(({ type }) => type === 'payment.settled'),
    );
  });

  it('need R2 only where D1 has none', async () => {
    expect(await listEntries(db, ANN, { limit: 5 }, away)).toMatchObject({
      error: { kind: 'archive_unavailable' },
    });
    const newer = await valueOf(listEntries(db, ANN, { after: 21, limit: 100 }, away));
    expect(newer.items.length).toBe(9);
    expect(newer.archived).toBeUndefined();
  });
});

it('keeps the books of days whose calls D1 has forgotten', async () => {
  const { books } = world;
  expect(books.items.length).toBeGreaterThan(20);
  expect(await valueOf(readLedger(db, range))).toEqual(books);
});

it('fills gaps of the transparency log from R2', async () => {
  const { chains } = world;
  const written = chains.written.get(ANN) ?? [];
  const last = written.at(-1) as Entry;
  const more = history(ANN, [accepted(99, MIDNIGHT + 39 * DAY)], {
    seq: last.seq,
    hash: entryHash(last),
  });
  const runs: StoredRun[] = [];
  const deps = {
    db,
    archive: bucket,
    account: () => ({
      exported: async () => ({ verdict: 'ok' }) as const,
      document: async () => ({ verdict: 'unavailable' }) as const,
    }),
    projectDocument: () => [],
    appendToLog: async (given: readonly StoredRun[]) => {
      runs.push(...given);
      return given.map(() => ({ verdict: 'gap', expected: 4 }) as const);
    },
  };
  const message = {
    ...{ id: 'm', timestamp: new Date(), attempts: 1, body: await messageOf(more) },
    ...{ ack: () => undefined, retry: () => undefined },
  };
  await consumeAudit(
    { queue: 'countersign-audit', messages: [message] },
    deps,
    MIDNIGHT + 39 * DAY,
  );
  expect(runs[1]?.first).toBe(4);
  expect(runs[1]?.hashes).toEqual(written.slice(3, 6).map(entryHash));
});

it('a call that waits stays in D1, and its story has its archived entries', async () => {
  await freshArchive();
  const chains = await settledCalls(2);
  const at = MIDNIGHT + 90;
  await chains.store(ANN, [accepted(50, at), kept(50, 'credit', at + 90)], at + 91);
  await runArchive(openDeps(31).deps, MIDNIGHT + 60 * DAY);
  expect(await count('chunks')).toBe(0);
  const story = await valueOf(settlementStory(db, ANN, word(50), bucket));
  expect(story?.entries.map(({ type }) => type)).toEqual(['call.accepted', 'call.abandoned']);
});
