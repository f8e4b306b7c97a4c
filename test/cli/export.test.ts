import { DuckDBInstance } from '@duckdb/node-api';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { parseLeaf } from '../../src/audit/log/leaf.ts';
import { leafHash } from '../../src/audit/log/merkle-tree.ts';
import { verifyInclusion } from '../../src/audit/log/verify-proof.ts';
import { verifyLog } from '../support/verify-log.ts';
import { documentIn } from './support/command.ts';
import { EVENTUALLY, useManagement } from './support/management.ts';
import { untilYearLasts } from '../support/day.ts';

const { place, run, okJson, errorOf, grantTo } = useManagement();

const inPlace = (name: string): string => join(place().directory, name);

type LeafLine = {
  readonly index: number;
  readonly leaf: string;
  readonly proof: readonly string[];
};

/** The verdict of each check of a report. */
const verdictsOf = (report: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (report['checks'] as readonly { readonly check: string; readonly verdict: string }[]).map(
      ({ check, verdict }) => [check, verdict],
    ),
  );

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

/** The rows of a CSV without quoted line breaks, by column. */
const rowsOf = (csv: string): readonly Readonly<Record<string, string>>[] => {
  const [head = '', ...lines] = csv.split('\r\n').filter((line) => line !== '');
  const names = head.split(',');
  return lines.map((line) => {
    const cells = [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell = '']) =>
      cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
    );
    return Object.fromEntries(names.map((name, at) => [name, cells[at] ?? '']));
  });
};

/**
 * Creates a fleet of one labelled agent with one purchase and one denial, and waits until D1 has both. The first test that needs the fleet
 * creates it.
 */
let fleet: Promise<string> | undefined;
const agentWithCalls = async (): Promise<string> => await (fleet ??= buyOnce('agent1'));

const buyOnce = async (agent: string): Promise<string> => {
  await grantTo(agent);
  const bought = await run('call', '/tools/lookup?word=elk', '--as', agent, '--credit');
  expect(bought.code, bought.stderr).toBe(0);
  const account = String((await okJson('accounts', 'show', agent))['account']);
  await okJson('accounts', 'label', account, `=${agent}`);
  await okJson('policy', 'set', agent, '--tools', 'lookup');
  expect((await run('call', '/tools/whoami', '--as', agent, '--credit')).code).toBe(5);
  await vi.waitFor(async () => {
    const { rows } = await okJson(
      ...['audit', 'export', account, '--format', 'csv', '--denied', '-o', inPlace('probe.csv')],
    );
    expect(rows).toBe(1);
  }, EVENTUALLY);
  return account;
};

test('exports a fleet as a folder that begins each chain at its first entry', async () => {
  await untilYearLasts(120_000);
  const account = await agentWithCalls();
  const owner = String((await okJson('accounts', 'show'))['account']);
  // The folder omits accounts whose entries have not reached D1 yet.
  await vi.waitFor(async () => {
    const { rows } = await okJson('audit', 'export', owner, '-o', inPlace('owner.ndjson'));
    expect(rows).toBeGreaterThan(0);
  }, EVENTUALLY);
  const folder = inPlace('audit');
  const pinned = inPlace('log-key');
  // The heads are not proved until a checkpoint covers entries of every account of the fleet.
  const exported = await vi.waitFor(async () => {
    await rm(folder, { recursive: true, force: true });
    const written = await okJson('audit', 'export', '--fleet', '-o', folder);
    await copyFile(join(folder, 'log-key'), pinned);
    const ran = await run('audit', 'verify', folder, '--log-key', pinned, '--json');
    expect(verdictsOf(documentIn(ran))).toMatchObject({ heads: 'proved' });
    return written;
  }, EVENTUALLY);
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as {
    readonly accounts: readonly Readonly<Record<string, unknown>>[];
  };
  expect(manifest).toMatchObject({
    v: 1,
    gatewayAccount: expect.stringMatching(/^eip155:84532:0x/),
    audiences: [expect.stringMatching(/^http/)],
  });
  const accounts = manifest.accounts.map((each) => each['account']);
  expect(accounts[0]).toBe(owner);
  expect(accounts).toContain(account);
  expect(manifest.accounts.find((each) => each['account'] === account)).toMatchObject({
    first: 1,
    label: '=agent1',
  });
  let entries = 0;
  for (const each of manifest.accounts) {
    const file = join(folder, 'entries', `${String(each['account']).replaceAll(':', '_')}.ndjson`);
    const verified = verifyLog(await readFile(file, 'utf8'));
    expect(verified.ok && verified.value).toMatchObject({ first: 1, last: each['last'] });
    entries += Number(each['last']);
  }
  expect(exported).toMatchObject({ entries });
  // The checkpoint's tree includes every leaf of the fleet, and each chain reaches at least its last leaf.
  const log = join(folder, 'log', String(new Date().getUTCFullYear()));
  const checkpoint = await readFile(join(log, 'checkpoint'), 'utf8');
  const [, size, root = ''] = checkpoint.split('\n');
  const tree = { size: Number(size), root: bytesOf(root) };
  const lines = (await readFile(join(log, 'leaves.ndjson'), 'utf8')).trimEnd().split('\n');
  const ends = new Map(manifest.accounts.map((each) => [each['account'], Number(each['last'])]));
  for (const line of lines) {
    const { index, leaf, proof } = JSON.parse(line) as LeafLine;
    const hash = leafHash(new TextEncoder().encode(leaf));
    expect(verifyInclusion({ hash, index }, tree, proof.map(bytesOf))).toBe(true);
    const { account: logged, last } = parseLeaf(leaf) ?? {};
    // The last leaf is the index, not a leaf of an account.
    if (logged === undefined) continue;
    expect(ends.get(logged)).toBeGreaterThanOrEqual(last?.seq ?? Number.POSITIVE_INFINITY);
  }
  for (const name of ['jwks.json', 'log-key'])
    expect(await readFile(join(folder, name), 'utf8')).not.toBe('');
  const verified = documentIn(await run('audit', 'verify', folder, '--json'));
  expect(verdictsOf(verified)).toMatchObject({
    ...{ form: 'proved', chain: 'proved', signatures: 'proved' },
    // The newest entries may be in no checkpoint yet, and the log key is not pinned.
    log: 'bounded',
    heads: 'bounded',
  });
  // No draft file remains.
  expect((await readdir(place().directory)).filter((name) => name.includes('draft'))).toEqual([]);
});

test('refuses a folder that has files, and leaves it as it is', async () => {
  const folder = inPlace('full');
  await mkdir(folder);
  await writeFile(join(folder, 'mine'), 'mine');
  expect(await errorOf(2, 'audit', 'export', '--fleet', '-o', folder)).toMatchObject({
    code: 'usage',
  });
  expect(await readdir(folder)).toEqual(['mine']);
});

test('exports all accounts to operators alone', async () => {
  const account = await agentWithCalls();
  // The agent that paid for the credit is in no fleet.
  const buyer = String((await okJson('accounts', 'show', 'agent8', '--operator'))['account']);
  // The folder omits accounts whose entries have not reached D1 yet.
  await vi.waitFor(async () => {
    const folder = inPlace('all');
    await rm(folder, { recursive: true, force: true });
    const { accounts } = await okJson('audit', 'export', '--all', '-o', folder);
    for (const each of [account, buyer]) expect(JSON.stringify(accounts)).toContain(each);
  }, EVENTUALLY);
  const refused = inPlace('refused');
  const words = ['audit', 'export', '--all', '-o', refused, '--as', 'agent1'];
  await errorOf(4, ...words);
  expect(existsSync(refused)).toBe(false);
});

test('writes one row a call and a row a denial, and no label that a spreadsheet would run', async () => {
  const account = await agentWithCalls();
  const file = inPlace('calls.csv');
  await okJson('audit', 'export', account, '--format', 'csv', '-o', file);
  const csv = await readFile(file, 'utf8');
  const rows = rowsOf(csv);
  expect(rows.map(({ kind, tool, outcome }) => [kind, tool, outcome])).toEqual([
    ['call', 'lookup', 'committed'],
    ['denial', 'whoami', 'denied'],
  ]);
  const owner = String((await okJson('accounts', 'show'))['account']);
  expect(rows[0]).toMatchObject({
    agent: "'=agent1",
    ...{ account, owner, asset: 'USDC', payment: 'none', paid_by: 'lent' },
    ...{ price: '0.001000', price_atomic: '1000', charged: '0.001000', cost: '0.001000' },
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  });
  expect(rows[1]).toMatchObject({ rule: 'tool', denials: '1', charged: '0.000000' });
  const denied = inPlace('denied.csv');
  await okJson('audit', 'export', account, '--format', 'csv', '--tool', 'lookup', '-o', denied);
  expect(rowsOf(await readFile(denied, 'utf8'))).toEqual([rows[0]]);
});

test('writes Parquet with numbers and times that DuckDB adds up', async () => {
  const account = await agentWithCalls();
  const file = inPlace("o'clock.parquet");
  await okJson('audit', 'export', account, '--format', 'parquet', '-o', file);
  const connection = await (await DuckDBInstance.create()).connect();
  const read = await connection.runAndReadAll(
    `SELECT kind, sum(charged)::VARCHAR AS charged, max(time) > TIMESTAMP '2020-01-01' AS recent
     FROM '${file.replaceAll("'", "''")}' GROUP BY kind ORDER BY kind`,
  );
  expect(read.getRowsJson()).toEqual([
    ['call', '0.001000', true],
    ['denial', '0.000000', true],
  ]);
  connection.closeSync();
});

test.each([
  ['--fleet'],
  ['--fleet --from 7d -o x'],
  ['agent --tool lookup -o x'],
  ['agent --format parquet'],
  ['agent --fleet -o x'],
  [''],
])('refuses `audit export %s`', async (line) => {
  const words = line.split(' ').filter((word) => word !== '');
  expect(await errorOf(2, 'audit', 'export', ...words)).toMatchObject({ code: 'usage' });
});

test('exports the whole chain of an account to stdout', async () => {
  const { stdout } = await run('audit', 'export', await agentWithCalls());
  const verified = verifyLog(stdout);
  expect(verified.ok && verified.value.first).toBe(1);
});

test('lists denials with their rule, and tells the story of a call and of a denial', async () => {
  const account = await agentWithCalls();
  const { denials } = (await okJson(
    ...['calls', 'list', '--denied', '--agent', account, '--since', '7d'],
  )) as { readonly denials: readonly Readonly<Record<string, string>>[] };
  expect(denials).toMatchObject([{ account, tool: 'whoami', rule: 'tool' }]);
  expect(await okJson('calls', 'list', '--denied', '--agent', account, '--tool', 'lookup')).toEqual(
    { denials: [] },
  );
  for (const [rule, some] of [
    ['tool', denials],
    ['window', []],
  ] as const)
    expect(await okJson('calls', 'list', '--rule', rule, '--agent', account)).toEqual({
      denials: some,
    });
  expect(
    await okJson('calls', 'list', '--denied', '--agent', account, '--until', '2026-01-01'),
  ).toEqual({ denials: [] });
  // Export the fleet as its owner, and all accounts as the operator.
  for (const as of ['owner', 'operator']) {
    const table = await run('calls', 'list', '--denied', '--as', as);
    expect(table.stdout).toMatch(/WHEN +ACCOUNT +TOOL +PRICE +RULE +TIMES +CALL/);
    expect(table.stdout).toContain('whoami');
  }
  expect(await okJson('calls', 'list', '--failed', '--agent', account)).toMatchObject({
    calls: [],
  });
  const { calls } = (await okJson('calls', 'list', '--agent', account)) as {
    readonly calls: readonly Readonly<Record<string, string>>[];
  };
  const story = await run('calls', 'show', account, String(calls[0]?.['call']));
  const text = story.stdout.replace(/\s+/g, ' ');
  expect(text).toMatch(/accepted for \$0\.001: \S+ signed an intent/);
  expect(text).toContain('paid from the credit of an ancestor');
  expect(text).toMatch(/committed \(status 200, answered\): charged \$0\.001 \[entry \d+\]/);
  const denied = await run('calls', 'show', account, String(denials[0]?.['call']));
  expect(denied.stdout.replace(/\s+/g, ' ')).toMatch(
    /denied by the rule tool: \S+ signed an intent/,
  );
  const words = ['calls', 'list', '--denied', '--failed'];
  expect(await errorOf(2, ...words)).toMatchObject({ code: 'usage' });
});
