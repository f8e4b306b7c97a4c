import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { createObjectWriter } from '../../src/audit/archive/object-writer.ts';
import { entryHash } from '../../src/audit/entry.ts';
import { readLog } from '../../src/audit/run.ts';
import { rowOf } from '../../src/cli/audit/call-columns.ts';
import { createAfterwards, createCallLedger } from '../../src/cli/audit/call-ledger.ts';
import type { Entry } from '../../src/protocol/entry.ts';

/* Runs the queries of docs/analytics.md over R2 objects that contain the logs of a real gateway. */

const EXPORT = join(ROOT, 'test/vectors/audit-export/entries');

let folder: string;
let connection: DuckDBConnection;
const logs: (readonly Entry[])[] = [];

/** Writes two objects, one for each of two days, because the entries of an account may be in several. */
const writeObjects = async (): Promise<void> => {
  const days = ['2026-11-27', '2026-11-28'] as const;
  const writers = days.map((day) => createObjectWriter(day, 1));
  for (const name of (await readdir(EXPORT)).toSorted()) {
    const text = await readFile(join(EXPORT, name), 'utf8');
    const read = readLog(text);
    if (!read.ok) throw new Error(`${name} is no log`);
    logs.push(read.value);
    const half = Math.ceil(read.value.length / 2);
    for (const [at, part] of [read.value.slice(0, half), read.value.slice(half)].entries()) {
      const [first, last] = [part[0], part.at(-1)];
      if (first === undefined || last === undefined) continue;
      const lines = text.split('\n').slice(first.seq - 1, last.seq);
      writers[at]?.add({
        ...{ account: first.account, first: first.seq, last: last.seq, lastHash: entryHash(last) },
        text: lines.map((line) => `${line}\n`).join(''),
      });
    }
  }
  for (const { name, body } of writers.map((writer) => writer.finish())) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), body);
  }
};

/** The SQL blocks of the document. */
const queriesOf = (page: string): readonly string[] =>
  [...page.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, sql = '']) => sql);

let queries: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-analytics-'));
  await writeObjects();
  connection = await (await DuckDBInstance.create()).connect();
  await connection.run(`SET file_search_path = '${folder}'`);
  queries = queriesOf(await readFile(join(ROOT, 'docs/analytics.md'), 'utf8'));
  await connection.run(queries[0] ?? '');
});
afterAll(async () => {
  connection.closeSync();
  await rm(folder, { recursive: true, force: true });
});

/** The rows of a query, every value as text. */
const rows = async (sql: string): Promise<readonly Readonly<Record<string, string>>[]> =>
  (await connection.runAndReadAll(sql))
    .getRowObjectsJson()
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      ),
    );

test('the view has every entry of every object once', async () => {
  const entries = logs.flat().length;
  expect(entries).toBeGreaterThan(20);
  expect(
    await rows('SELECT count(*)::INTEGER AS n, count(DISTINCT day)::INTEGER AS days FROM entries'),
  ).toEqual([{ n: `${entries}`, days: '2' }]);
});

test('spend by agent, service and hour is what the rows of the accounting export add up to', async () => {
  const found = await rows(queries[1] ?? '');
  const sums = new Map<string, bigint>();
  for (const log of logs) {
    const account = log[0]?.account;
    if (account === undefined) continue;
    const afterwards = createAfterwards();
    for (const entry of log) afterwards.see(entry);
    const ledger = createCallLedger(account, afterwards.of);
    for (const line of [...log.flatMap((entry) => ledger.see(entry)), ...ledger.end()]) {
      if (line.kind === 'denial' || line.endedAt === undefined) continue;
      const { cost_atomic: cost, tool } = rowOf(line, undefined);
      const key = `${account} ${String(tool)}`;
      sums.set(key, (sums.get(key) ?? 0n) + BigInt(String(cost)));
    }
  }
  const labels = new Map(
    (await rows('SELECT label, account FROM labels')).map(({ label, account }) => [label, account]),
  );
  const bySql = new Map<string, bigint>();
  for (const { agent, service, cost, hour } of found) {
    expect(hour).toMatch(/^\d{4}-\d\d-\d\d \d\d:00:00$/);
    const key = `${labels.get(agent) ?? agent} ${service}`;
    bySql.set(key, (bySql.get(key) ?? 0n) + BigInt(Math.round(Number(cost) * 1e6)));
  }
  expect(Object.fromEntries(bySql)).toEqual(Object.fromEntries(sums));
  expect([...sums.values()].some((sum) => sum > 0n)).toBe(true);
});

test('the other queries find the denials and the payments of the logs', async () => {
  const denials = logs.flat().filter(({ type }) => type === 'call.denied');
  const counted = (await rows(queries[2] ?? '')).reduce(
    (sum, row) => sum + Number(row['denials']),
    0,
  );
  expect(counted).toBe(denials.reduce((sum, { count = 1 }) => sum + count, 0));
  const settled = logs.flat().filter(({ type }) => type === 'payment.settled');
  const moved = await rows(queries[3] ?? '');
  expect(new Set(moved.map((row) => row['transaction']))).toEqual(
    new Set(settled.map(({ payment }) => payment?.['transaction'])),
  );
  expect(moved).toHaveLength(settled.length);
});
