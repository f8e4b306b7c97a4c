import { beforeEach, expect, test, vi } from 'vitest';
import { watchLostEntries } from '../../src/audit/lost-entries.ts';
import { advanceRebuild } from '../../src/audit/rebuild/rebuild.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { AlertBody } from '../../src/protocol/alert.ts';
import { randomHex } from '../durable-objects/support.ts';
import { openRandom } from '../falsify/random.ts';
import { db } from '../unit/audit/database.ts';
import { START } from '../unit/audit/history.ts';
import { type ExportedLog, openExportedLog } from './exported-log.ts';

type Rows = readonly Readonly<Record<string, unknown>>[];
type Copy = ReadonlyMap<string, Rows>;

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const TABLES = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
  AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name <> 'd1_migrations'`;

/** Every row of the database, as Time Travel keeps it. */
const copyDatabase = async (): Promise<Copy> => {
  const { results } = await db.prepare(TABLES).all<{ name: string }>();
  const copies = results.map(async ({ name }) => {
    const { results: rows } = await db.prepare(`SELECT * FROM ${name}`).all();
    return [name, rows] as const;
  });
  return new Map(await Promise.all(copies));
};

const insert = (table: string, row: Rows[number]): D1PreparedStatement => {
  const names = Object.keys(row);
  const values = Object.values(row).map((value) =>
    Array.isArray(value) ? Uint8Array.from(value as number[]) : value,
  );
  return db
    .prepare(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    )
    .bind(...values);
};

/** Restores the database, with its triggers dropped meanwhile. */
const restoreDatabase = async (copy: Copy): Promise<void> => {
  const { results: triggers } = await db
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    .all<{ name: string; sql: string }>();
  await db.batch([
    ...triggers.map(({ name }) => db.prepare(`DROP TRIGGER ${name}`)),
    ...[...copy.keys()].map((table) => db.prepare(`DELETE FROM ${table}`)),
    ...[...copy].flatMap(([table, rows]) => rows.map((row) => insert(table, row))),
    ...triggers.map(({ sql }) => db.prepare(sql)),
  ]);
};

const placeOf = (row: Rows[number]): string =>
  `${String(row['account'])} ${String(row['first_seq'])}`;

const rebuild = async (): Promise<void> => {
  const request = { run: 'after a restore', signer: 'operator', apply: 1 } as const;
  for (let at = 0; at < 100; at += 1) {
    const { state } = await advanceRebuild(
      { db, bucket: undefined },
      { ...request, begins: at === 0 },
      START,
    );
    if (state === 'ended') return;
  }
  throw new Error('The rebuild did not end.');
};

const settle = async (world: ExportedLog): Promise<void> => {
  const random = openRandom('cuts');
  for (const writer of world.writers) await world.send(writer, random, () => 'arrives');
  for (let round = 0; round < 5; round += 1) await world.deliver(world.waiting());
  await world.sign();
};

test('D1 restored to an earlier time: an alert names each account, no other entry takes a lost place, and putting the lost rows back restores all', async () => {
  const random = openRandom('restored');
  const ids = Array.from({ length: 3 }, (): AccountId => `eip155:84532:${randomHex(20)}`);
  const world = await openExportedLog(`${randomHex(8).slice(2)}.example/log/2026`, ids);
  const [busy, quiet, newcomer] = world.writers as [
    (typeof world.writers)[0],
    (typeof world.writers)[0],
    (typeof world.writers)[0],
  ];
  for (const writer of [busy, quiet]) world.write(writer, random);
  await settle(world);
  const earlier = await copyDatabase();
  const kept = new Map(world.writers.map(({ id, chain }) => [id, chain.length]));
  for (const writer of [busy, quiet, newcomer]) world.write(writer, random);
  await settle(world);
  await world.check();
  const newest = await copyDatabase();
  const { size } = await world.log().status();
  const behind = (id: AccountId, to: number) => ({
    account: id,
    from: 1 + (kept.get(id) ?? 0),
    to,
  });
  const lost = world.writers.map(({ id, chain }) => behind(id, chain.length));

  const raised: AlertBody[] = [];
  const raise = async (alert: AlertBody) => raised.push(alert) > 0;
  const asked = new Map<AccountId, number>();
  const account = (id: AccountId) => ({
    resend: async (from: number) => {
      asked.set(id, from);
      return { verdict: 'resent', to: from - 1 } as const;
    },
  });
  const watch = () => watchLostEntries({ db, log: world.log(), account, raise });
  await watch();
  expect(raised).toEqual([]);
  await restoreDatabase(earlier);

  // The cron trigger runs before any account writes again.
  await watch();
  const [first] = lost.toSorted((one, other) => (one.account < other.account ? -1 : 1));
  expect(raised.splice(0)).toEqual([
    { rule: 'database_behind', detail: { ...first, accounts: 3 } },
  ]);

  expect(asked).toEqual(new Map(lost.map(({ account: id, from }) => [id, from])));

  // Two of the accounts continue to write. Both deliveries fail, and the second one raises the alert.
  for (const writer of [busy, newcomer]) {
    world.write(writer, random);
    await world.send(writer, random, () => 'arrives');
  }
  for (let round = 0; round < 2; round += 1)
    await world.deliver(world.waiting(), undefined, { raise });
  const told = new Map(raised.map(({ detail }) => [detail['account'], detail]));
  expect([...told.values()]).toEqual([lost[0], lost[2]]);
  expect(world.waiting().length).toBeGreaterThan(0);
  expect(await world.log().status()).toMatchObject({ size });
  expect((await copyDatabase()).get('chunks')).toEqual(earlier.get('chunks'));

  // The operator inserts the chunks of a newer backup and rebuilds the lists from them.
  const stored = (earlier.get('chunks') ?? []).map(placeOf);
  const missing = (newest.get('chunks') ?? []).filter((row) => !stored.includes(placeOf(row)));
  await db.batch(missing.map((row) => insert('chunks', row)));
  await rebuild();
  const repaired = await copyDatabase();
  for (const table of ['chunks', 'calls', 'accounts', 'kin', 'spend', 'credit_movements'])
    expect(repaired.get(table), table).toEqual(newest.get(table));
  await settle(world);
  await world.check();
  raised.length = 0;
  await watch();
  expect(raised).toEqual([]);
});
