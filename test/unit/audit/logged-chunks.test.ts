import { beforeEach, describe, expect, test, vi } from 'vitest';
import { entryHash } from '../../../src/audit/entry.ts';
import { sequence } from '../../../src/audit/log/sequence.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import type { Appended, LogHead, StoredRun } from '../../../src/protocol/audit-log-contract.ts';
import type { DeadLetter } from '../../../src/settlement/dead-letter.ts';
import { alice, cut, deliver, listeners, mallory } from './consumer-fixture.ts';
import { db, freshDatabase, storedEntries } from './database.ts';
import { ALICE, MALLORY } from './history.ts';

beforeEach(async () => {
  await freshDatabase();
  vi.spyOn(console, 'error').mockImplementation(() => {});
});

/** An in-memory log. */
const openLog = () => {
  const heads = new Map<AccountId, LogHead>();
  const calls: (readonly StoredRun[])[] = [];
  return {
    calls,
    heads,
    appendToLog: async (runs: readonly StoredRun[]): Promise<readonly Appended[]> => {
      calls.push(runs);
      const { leaves, verdicts } = sequence(runs, (account) => heads.get(account));
      const anchor = new Uint8Array(32);
      for (const { account, last } of leaves) heads.set(account, { ...last, anchor });
      return verdicts;
    },
  };
};

describe('stored chunks', () => {
  test('reach the log in one call for a batch, before their accounts are told', async () => {
    const { calls, appendToLog } = openLog();
    const { acknowledged, account } = listeners();
    const told: number[] = [];
    const bodies = [await cut(alice, 3, 9), await cut(mallory, 0, 3), await cut(alice, 0, 3)];
    const done = await deliver(bodies, {
      account,
      appendToLog: async (runs) => {
        told.push(acknowledged.length);
        return appendToLog(runs);
      },
    });
    expect(done).toEqual({ acked: ['m0', 'm1', 'm2'], retried: [] });
    expect(told).toEqual([0]);
    expect(acknowledged).toHaveLength(2);
    const [runs = []] = calls;
    expect(runs.map(({ account: of, first }) => [of, first])).toEqual([
      [ALICE, 1],
      [ALICE, 4],
      [MALLORY, 1],
    ]);
    expect(runs.flatMap(({ hashes }) => hashes)).toEqual([...alice, ...mallory].map(entryHash));
  });

  test('are delivered again until the log has them, and their accounts keep them so long', async () => {
    const body = await cut(alice, 0, 3);
    const { acknowledged, account } = listeners();
    const appendToLog = async () => Promise.reject(new Error('no log'));
    expect(await deliver([body], { account, appendToLog })).toEqual({ acked: [], retried: ['m0'] });
    expect(acknowledged).toEqual([]);
    expect(await storedEntries(ALICE)).toHaveLength(3);
    const log = openLog();
    expect(await deliver([body], { account, appendToLog: log.appendToLog })).toMatchObject({
      acked: ['m0'],
    });
    expect(acknowledged).toEqual([[ALICE, 3]]);
    expect(log.heads.get(ALICE)?.seq).toBe(3);
  });

  test('from before the log existed are appended from D1 first', async () => {
    const { account } = listeners();
    await deliver([await cut(alice, 0, 3), await cut(alice, 3, 6)], { account });
    const log = openLog();
    const body = await cut(alice, 6, 9);
    const { appendToLog } = log;
    expect(await deliver([body], { account, appendToLog })).toMatchObject({ retried: ['m0'] });
    expect(await deliver([body], { account, appendToLog })).toMatchObject({ acked: ['m0'] });
    expect(
      log.calls.map((runs) => runs.map(({ first, hashes }) => [first, hashes.length])),
    ).toEqual([[[7, 3]], [[1, 6]], [[7, 3]]]);
    expect(log.heads.get(ALICE)).toMatchObject({ seq: 9, hash: entryHash(alice[8] as never) });
  });

  test('after a restore of D1 to an earlier time change nothing in the log, and the loss is reported', async () => {
    const { acknowledged, account } = listeners();
    const log = openLog();
    const { appendToLog } = log;
    await deliver([await cut(alice, 0, 3), await cut(alice, 3, 6)], { account, appendToLog });
    const told = acknowledged.length;
    const trigger = "SELECT sql FROM sqlite_master WHERE name = 'chunks_stay_until_archived'";
    const kept = await db.prepare(trigger).first<string>('sql');
    await db.batch([
      db.prepare('DROP TRIGGER chunks_stay_until_archived'),
      db.prepare('DELETE FROM chunks WHERE account = ? AND first_seq = 4').bind(ALICE),
      db.prepare(kept ?? ''),
    ]);
    const raised: AlertBody[] = [];
    const deps = {
      ...{ account, appendToLog },
      headsInLog: async (accounts: readonly AccountId[]) => accounts.map((id) => log.heads.get(id)),
      raise: async (alert: AlertBody) => raised.push(alert) > 0,
    };
    const later = await cut(alice, 6, 9);
    expect(await deliver([later], deps)).toEqual({ acked: [], retried: ['m0'] });
    expect(raised).toEqual([]);
    expect(await deliver([later], deps, db, 2)).toEqual({ acked: [], retried: ['m0'] });
    expect(raised).toEqual([
      { rule: 'database_behind', detail: { account: ALICE, from: 4, to: 6 } },
    ]);
    expect([log.heads.get(ALICE)?.seq, log.calls.length, acknowledged.length]).toEqual([
      6,
      1,
      told,
    ]);
    // A backup restores the rows, and the log continues where it was.
    expect(await deliver([await cut(alice, 3, 6), later], deps)).toMatchObject({
      acked: ['m0', 'm1'],
    });
    expect(log.heads.get(ALICE)?.seq).toBe(9);
  });

  test('that differ from those in the log raise an alert, and are dead letters', async () => {
    const { acknowledged, account } = listeners();
    const raised: AlertBody[] = [];
    const letters: DeadLetter[] = [];
    const done = await deliver([await cut(alice, 0, 3)], {
      account,
      appendToLog: async (runs) => runs.map(() => ({ verdict: 'forked' })),
      raise: async (alert) => raised.push(alert) > 0,
      deadLetter: async (letter) => void letters.push(letter),
    });
    expect(done).toEqual({ acked: ['m0'], retried: [] });
    expect(raised).toEqual([{ rule: 'log_forked', detail: { account: ALICE, seq: 1 } }]);
    expect(letters.map(({ reason }) => reason)).toEqual(['the log has another history']);
    expect(acknowledged).toEqual([]);
  });
});
