import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, expect, test } from 'vitest';
import { entryHash } from '../../../src/audit/entry.ts';
import { watchLogLag } from '../../../src/audit/log-lag.ts';
import { storeChunk } from '../../../src/audit/store.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { encodeBase64Url } from '../../../src/crypto/bytes.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { db, freshDatabase, messageOf } from './database.ts';
import { accepted, ALICE, committed, history, MALLORY } from './history.ts';
import { publicKey } from './log/vectors.ts';

const NEW_YEAR = Date.UTC(2027, 0, 1) / 1_000;
const LATE = 600;

let host: string;
const logOf = (year: number) => env.AUDIT_LOG.getByName(`${host}/log/${year}`);

beforeEach(async () => {
  await freshDatabase();
  host = `${crypto.randomUUID()}.example`;
  const d = encodeBase64Url(Uint8Array.from({ length: 32 }, (_, at) => at));
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64Url(publicKey()), d };
  Object.assign(env, { LOG_KEY: JSON.stringify(jwk) });
});

const callOf = (account = ALICE, at = NEW_YEAR): readonly Entry[] =>
  history(account, [accepted(1, at), committed(1, at + 1)]);

const store = async (entries: readonly Entry[], at = NEW_YEAR): Promise<void> => {
  expect((await storeChunk(db, await messageOf(entries), at)).ok).toBe(true);
};

const append = async (year: number, entries: readonly Entry[]): Promise<void> => {
  const [first] = entries;
  if (first === undefined) return;
  const run = { account: first.account, first: first.seq, prev: first.prev };
  const hashes = entries.map(entryHash) as [Hex, ...Hex[]];
  await logOf(year).append([{ ...run, hashes }]);
};

const raisedAt = async (now: number): Promise<readonly AlertBody[]> => {
  const raised: AlertBody[] = [];
  await watchLogLag(db, logOf, async (alert) => raised.push(alert) > 0, now);
  return raised;
};

test('raises log_behind for an entry that no signed checkpoint covers after ten minutes', async () => {
  await store(callOf());
  await append(2027, callOf());
  expect(await raisedAt(NEW_YEAR + LATE - 1)).toEqual([]);
  const alert = { rule: 'log_behind', detail: { account: ALICE, seq: 1, since: NEW_YEAR } };
  expect(await raisedAt(NEW_YEAR + LATE)).toEqual([alert]);
  await runDurableObjectAlarm(logOf(2027));
  expect(await raisedAt(NEW_YEAR + LATE)).toEqual([]);
  // A later call of another account, whose chunk the log never received.
  await store(callOf(MALLORY, NEW_YEAR + 60), NEW_YEAR + 61);
  expect(await raisedAt(NEW_YEAR + LATE)).toEqual([]);
  expect(await raisedAt(NEW_YEAR + LATE + 61)).toMatchObject([{ detail: { account: MALLORY } }]);
});

test.each([2026, 2027])('finds an entry of New Year’s Eve in the log of %i', async (year) => {
  const entries = callOf(ALICE, NEW_YEAR - 5);
  await store(entries, NEW_YEAR - 2);
  await append(year, entries);
  await runDurableObjectAlarm(logOf(year));
  await append(2027, callOf(MALLORY));
  expect(await raisedAt(NEW_YEAR + LATE)).toEqual([]);
});

test('raises nothing without calls, while D1 catches up, and before the log has a leaf', async () => {
  expect(await raisedAt(NEW_YEAR + LATE)).toEqual([]);
  await append(2027, callOf(MALLORY));
  await store(callOf(), NEW_YEAR + 3_000);
  expect(await raisedAt(NEW_YEAR + 3_100)).toEqual([]);
  expect(await raisedAt(NEW_YEAR + 3_000 + LATE)).toHaveLength(1);
  host = `${crypto.randomUUID()}.example`;
  expect(await raisedAt(NEW_YEAR + 3_000 + LATE)).toEqual([]);
});
