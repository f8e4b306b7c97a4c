import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { runArchive } from '../../../src/audit/archive/run-archive.ts';
import { entryHash } from '../../../src/audit/entry.ts';
import { COMPARED } from '../../../src/audit/rebuild/compared-tables.ts';
import { loadRebuild } from '../../../src/audit/rebuild/rebuild-state.ts';
import { advanceRebuild } from '../../../src/audit/rebuild/rebuild.ts';
import { readReport } from '../../../src/audit/rebuild/rebuild-report.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Entry, EntryBody } from '../../../src/protocol/entry.ts';
import {
  ANN,
  bucket,
  count,
  DAY,
  freshArchive,
  MIDNIGHT,
  openDeps,
  settledCalls,
} from './archive/archive-world.ts';
import { deliver, listeners } from './consumer-fixture.ts';
import { db, isUnchanged, messageOf, nameLists } from './database.ts';
import { accepted, accountOf, ALICE, committed, history, MALLORY, START, word } from './history.ts';
import { bodies } from './random-history.ts';

const SIGNER = ALICE;

type Settings = {
  readonly apply?: 0 | 1;
  readonly archive?: R2Bucket | null;
  readonly steps?: number;
  /** Called between two requests. */
  readonly between?: () => Promise<void>;
};

let runs = 0;
const nextRun = (): string => `run-${(runs += 1)}`;

/** Runs a rebuild until it ends, and returns its findings. */
const rebuild = async ({ apply = 0, archive = bucket, steps = 40, between }: Settings = {}) => {
  const request = { run: nextRun(), signer: SIGNER, apply };
  for (let at = 0; at < 5_000; at += 1) {
    const { state, rebuild: row } = await advanceRebuild(
      { db, bucket: archive ?? undefined },
      { ...request, begins: at === 0 },
      START,
      { steps },
    );
    if (state === 'busy') throw new Error('busy');
    if (state === 'ended') return await readReport(db, row);
    await between?.();
  }
  throw new Error('the rebuild did not end');
};

const storeAll = async (chunks: readonly (readonly Entry[])[]): Promise<void> => {
  for (const chunk of chunks) await deliver([await messageOf(chunk)], listeners());
};

const inPieces = (entries: readonly Entry[], sizes: readonly number[]): readonly Entry[][] => {
  const pieces: Entry[][] = [];
  for (let from = 0, at = 0; from < entries.length; at += 1) {
    const size = sizes[at % sizes.length] ?? 1;
    pieces.push(entries.slice(from, from + size));
    from += size;
  }
  return pieces;
};

const parked = (call: number, at: number): EntryBody => ({
  ...accepted(call, at),
  type: 'call.parked',
  decision: 'wait',
  rule: 'approval',
  outcome: { until: at + 600, asked: ALICE, above: '10000', approver: ALICE },
});

const approved = (call: number, at: number): EntryBody => ({
  call: word(call),
  type: 'call.approved',
  at,
  decision: 'approved',
  evidence: { by: ALICE, role: 'owner' },
});

/** Calls that needed approval: one runs, one is approved, one waits. */
const approvals = (account: AccountId): Entry[] =>
  history(account, [
    parked(901, START),
    parked(902, START + 1),
    approved(901, START + 2),
    parked(903, START + 3),
    { ...accepted(901, START + 4), rule: 'approval' },
    approved(902, START + 5),
    committed(901, START + 6),
    { type: 'account.label', at: START + 7, outcome: { label: 'team/carol' } },
    { type: 'account.status', at: START + 8, decision: 'paused', outcome: { side: 'owner' } },
  ]);

beforeEach(freshArchive);

describe('a rebuild finds the projections equal', () => {
  test('after random histories in chunks of any size, with any number of steps a request', async () => {
    await fc.assert(
      fc.asyncProperty(
        bodies,
        bodies,
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        async (one, other, sizes, steps) => {
          await freshArchive();
          await storeAll([
            ...inPieces(history(ALICE, one), sizes),
            ...inPieces(history(MALLORY, other), sizes),
            ...inPieces(approvals(accountOf(9)), sizes),
          ]);
          const report = await rebuild({ steps });
          expect(report.tables).toEqual([]);
          expect(report.first).toEqual([]);
          expect(report.verdict).toBe('equal');
          expect(report.entries).toBe(one.length + other.length + 9);
        },
      ),
      { numRuns: 12, endOnFailure: true },
    );
  }, 120_000);

  test('with entries and ended calls that only R2 has', async () => {
    await settledCalls(6);
    await runArchive(openDeps(2).deps, MIDNIGHT + 6 * DAY + 7_200);
    await runArchive(openDeps(2).deps, MIDNIGHT + 6 * DAY + 7_300);
    expect(await count('archived_calls')).toBeGreaterThan(0);
    expect(await count('archived')).toBe(2);
    expect(await rebuild()).toMatchObject({ verdict: 'equal', accounts: 2, entries: 36 });
  });

  test('after entries that calls of the paused gateway still wrote', async () => {
    const alice = history(
      ALICE,
      Array.from({ length: 40 }, (_, call) => accepted(call, START + call)),
    );
    const chunks = inPieces(alice, [4]);
    await storeAll(chunks.slice(0, 3));
    const rest = chunks.slice(3);
    const between = async () => {
      const next = rest.shift();
      if (next !== undefined) await storeAll([next]);
    };
    expect(await rebuild({ steps: 1, between })).toMatchObject({ verdict: 'equal' });
    expect(rest.length).toBeLessThan(7);
  });

  test('while one of many accounts writes an entry after every third step', async () => {
    for (let n = 10; n < 20; n += 1) await storeAll([history(accountOf(n), [accepted(n, START)])]);
    const calls = Array.from({ length: 40 }, (_, call) => accepted(call + 100, START + call));
    const written = history(ALICE, calls).values();
    let steps = 0;
    const between = async (): Promise<void> => {
      steps += 1;
      const entry = steps % 3 === 1 ? written.next().value : undefined;
      if (entry !== undefined) await storeAll([[entry]]);
      expect(steps).toBeLessThan(100);
    };
    expect(await rebuild({ steps: 1, between })).toMatchObject({ verdict: 'equal', tables: [] });
  });

  test('and leaves the copies empty', async () => {
    await storeAll([approvals(ALICE)]);
    await rebuild();
    for (const { name } of COMPARED) expect(await count(`rebuild_${name}`), name).toBe(0);
  });
});

describe('a rebuild names rows that were changed by hand, and corrects them', () => {
  const CHANGES = {
    calls: "UPDATE calls SET charged = 1 WHERE state = 'committed'",
    approvals: "DELETE FROM approvals WHERE state = 'waiting'",
    accounts: "UPDATE accounts SET label = 'forged'",
    spend: "UPDATE spend SET charged = charged + 1 WHERE scope = '*'",
    kin: `INSERT INTO kin VALUES ('${MALLORY}', '${ALICE}')`,
    credit_movements: "INSERT INTO credit_movements VALUES ('2027-01-15', 'x', 'given', 1, 5)",
  };

  test.each(Object.entries(CHANGES))('in %s', async (name, sql) => {
    await storeAll([approvals(ALICE), history(MALLORY, [accepted(1), committed(1)])]);
    await db.prepare(sql).run();
    const found = await rebuild();
    expect(found.verdict).toBe('different');
    expect(found.tables.map((each) => each.name)).toEqual([name]);
    expect(found.first[0]?.name).toBe(name);
    await nameLists();
    // A run without `apply` changes nothing.
    expect((await rebuild()).verdict).toBe('different');
    expect(await isUnchanged()).toBe(true);
    expect((await rebuild({ apply: 1 })).verdict).toBe('corrected');
    expect(await isUnchanged()).toBe(false);
    expect((await rebuild()).verdict).toBe('equal');
  });

  test('the row of an account that was deleted, before the gateway stores further entries', async () => {
    const entries = history(ALICE, [accepted(1), committed(1)]);
    await storeAll([entries]);
    await db.prepare('DELETE FROM accounts').run();
    await rebuild({ apply: 1 });
    const last = entries.at(-1) as Entry;
    const next = history(ALICE, [accepted(2)], { seq: last.seq, hash: entryHash(last) });
    expect(await deliver([await messageOf(next)], listeners())).toMatchObject({ retried: [] });
    expect((await rebuild()).verdict).toBe('equal');
  });

  test('a call of an account without a log', async () => {
    await storeAll([history(ALICE, [accepted(1), committed(1)])]);
    await db
      .prepare(
        `INSERT INTO calls (accepted_at, account, call, first_seq, segment, seq, state) VALUES (1, '${MALLORY}', 'x', 1, 0, 1, 'held')`,
      )
      .run();
    const { first } = await rebuild({ apply: 1 });
    expect(first).toMatchObject([{ name: 'calls', place: [1, MALLORY, 'x'] }]);
    expect((await rebuild()).verdict).toBe('equal');
  });

  test('a call in R2, which stays as it is', async () => {
    await settledCalls(6);
    await runArchive(openDeps(2).deps, MIDNIGHT + 6 * DAY + 7_200);
    await db.prepare(`UPDATE calls SET charged = 7 WHERE account = '${ANN}'`).run();
    await runArchive(openDeps(0).deps, MIDNIGHT + 9 * DAY + 7_300);
    const found = await rebuild({ apply: 1 });
    expect(found.tables.map(({ name }) => name)).toEqual(['archived_calls']);
    expect(found.verdict).toBe('different');
  });
});

describe('a rebuild corrects nothing that it cannot read whole', () => {
  const damage = async (): Promise<void> => {
    await db.prepare("UPDATE spend SET charged = charged + 1 WHERE scope = '*'").run();
  };
  const damaged = async (): Promise<void> => {
    await settledCalls(6);
    await runArchive(openDeps(2).deps, MIDNIGHT + 6 * DAY + 7_200);
    await runArchive(openDeps(2).deps, MIDNIGHT + 6 * DAY + 7_300);
    await damage();
  };

  test('names the entries of an object that R2 lacks', async () => {
    await damaged();
    const { objects } = await bucket.list({ prefix: 'log/' });
    const [entries] = (objects.length > 0 ? objects : (await bucket.list()).objects).filter(
      ({ key }) => !key.startsWith('calls/'),
    );
    await bucket.delete(entries?.key ?? '');
    const before = await db.prepare('SELECT * FROM spend').all();
    const report = await rebuild({ apply: 1 });
    expect(report.verdict).toBe('incomplete');
    expect(report.unread[0]).toMatchObject({ from: 1, fault: 'missing' });
    expect((await db.prepare('SELECT * FROM spend').all()).results).toEqual(before.results);
  });

  test('names the entries that D1 has deleted, where there is no archive', async () => {
    await damaged();
    const report = await rebuild({ apply: 1, archive: null });
    expect(report.verdict).toBe('incomplete');
  });

  test('names an object of calls that R2 lacks', async () => {
    await damaged();
    const { objects } = await bucket.list({ prefix: 'calls/' });
    const name = objects[0]?.key ?? '';
    await bucket.delete(name);
    expect(await rebuild({ apply: 1 })).toMatchObject({ verdict: 'incomplete', objects: [name] });
  });

  test('names entries whose hash chain is broken', async () => {
    const entries = history(ALICE, [accepted(1), committed(1), accepted(2)]);
    const [first, ...rest] = entries as [Entry, Entry, Entry];
    await storeAll([[first], rest, history(MALLORY, [accepted(5), committed(5)])]);
    // Damages a row of another account, whose log is complete.
    await db.prepare(`UPDATE calls SET charged = 1 WHERE account = '${MALLORY}'`).run();
    const forged = { ...first, amounts: { price: '1' } } as Entry;
    const { body } = await messageOf([forged]);
    await db.batch([
      db.prepare('DROP TRIGGER chunks_never_change'),
      db
        .prepare('UPDATE chunks SET body = ?1 WHERE first_seq = 1 AND account = ?2')
        .bind(body, ALICE),
    ]);
    const report = await rebuild({ apply: 1 });
    expect(report).toMatchObject({
      verdict: 'incomplete',
      unread: [{ account: ALICE, from: 1, fault: 'broken' }],
    });
    expect(await db.prepare('SELECT charged FROM calls WHERE charged = 1').first()).not.toBeNull();
  });
});

describe('one rebuild runs at a time', () => {
  const begin = async (now: number) => {
    const run = nextRun();
    const request = { run, begins: true, signer: SIGNER, apply: 0 } as const;
    return { run, ...(await advanceRebuild({ db, bucket }, request, now, { steps: 1 })) };
  };

  test('and another one may replace it once it was left alone', async () => {
    await storeAll([approvals(ALICE)]);
    const first = await begin(START);
    expect(first.state).toBe('running');
    expect(await begin(START + 60)).toMatchObject({ state: 'busy', rebuild: { run: first.run } });
    const second = await begin(START + 400);
    expect(second.state).toBe('running');
    const again = { run: first.run, begins: false, signer: SIGNER, apply: 0 } as const;
    expect(await advanceRebuild({ db, bucket }, again, START + 401)).toMatchObject({
      state: 'busy',
      rebuild: { run: second.run },
    });
  });

  test('and two requests at once take each step once', async () => {
    await storeAll([approvals(ALICE), history(MALLORY, [accepted(1), committed(1)])]);
    const { run } = await begin(START);
    const go = { run, begins: false, signer: SIGNER, apply: 0 } as const;
    await Promise.all([1, 2, 3].map(() => advanceRebuild({ db, bucket }, go, START + 1)));
    const row = await loadRebuild(db);
    expect(row?.phase).toBe('ended');
    expect(row && (await readReport(db, row)).verdict).toBe('equal');
  });
});

test('the copies have the columns of the projections', async () => {
  for (const { name } of COMPARED) {
    const [columns, copied] = await Promise.all(
      [name, `rebuild_${name}`].map((table) =>
        db.prepare(`SELECT name, type, "notnull", pk FROM pragma_table_info('${table}')`).all(),
      ),
    );
    expect(copied?.results, name).toEqual(columns?.results);
  }
});
