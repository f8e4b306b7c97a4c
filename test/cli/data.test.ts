import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, expect, test, vi } from 'vitest';
import { people, type Person } from '../../dev/stack/people.ts';
import { accountOf, EVENTUALLY, useManagement } from './support/management.ts';

/** The addresses that the provider was asked about, in order, and those that it lists. */
const asked: string[] = [];
const listed = new Set<string>();
const provider = createServer((request, response) => {
  void json(request).then((body) => {
    const { address } = body as { address: string };
    asked.push(address);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ verdict: listed.has(address) ? 'listed' : 'clear' }));
  });
}).listen(0, '127.0.0.1');
await once(provider, 'listening');
afterAll(() => provider.close());
const { port } = provider.address() as AddressInfo;

const screening = { name: 'test', url: `http://127.0.0.1:${port}/` };
const { okJson, errorOf, run, place, grantTo } = useManagement({
  SCREENING: JSON.stringify({ onFailure: 'deny', provider: screening }),
});

const addressOf = ({ address }: Person): string => address.toLowerCase();
const [owner, agent, agent2] = [
  addressOf(people.owner),
  addressOf(people.agent),
  addressOf(people.agents[1]),
];

const lookup = ['call', '/tools/lookup?word=river', '--raw'];

test('screens each payer once, denies a listed one, exports an account and erases it', async () => {
  await grantTo('agent');
  const before = asked.length;
  for (const _ of [1, 2, 3]) {
    expect((await run(...lookup, '--as', 'agent', '--credit')).code).toBe(0);
  }
  // The agent, and the owner whose credit pays, once each.
  expect(new Set(asked.slice(before))).toEqual(new Set([agent, owner]));
  expect(asked).toHaveLength(new Set(asked).size);

  listed.add(agent2);
  const denied = await errorOf(5, ...lookup, '--as', 'agent2');
  expect(denied).toMatchObject({ rule: 'screening' });
  expect(JSON.stringify(denied)).not.toMatch(/listed|provider|test"/);
  await errorOf(5, ...lookup, '--as', 'agent2');
  expect(asked.filter((each) => each === agent2)).toHaveLength(1);

  await okJson('accounts', 'label', 'agent', 'Alice Example');
  const folder = join(place().directory, 'export');
  const fileOf = (name: string) => readFile(join(folder, name), 'utf8');
  // The export has the calls that are in D1, and the account brings the last one there by itself.
  await vi.waitFor(async () => {
    await rm(folder, { recursive: true, force: true });
    const written = await okJson('export', 'agent', '-o', folder);
    expect(written).toMatchObject({ account: accountOf(agent), folder });
    expect((await fileOf('calls.ndjson')).trim().split('\n')).toHaveLength(3);
  }, EVENTUALLY);
  expect(JSON.parse(await fileOf('account.json'))).toMatchObject({ label: 'Alice Example' });
  const log = (await fileOf('log.ndjson'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(log.map(({ type }: { type: string }) => type)).toContain('account.screened');
  expect(Object.keys(JSON.parse(await fileOf('about.json')).holds)).toContain('log.ndjson');
  expect((await run('audit', 'verify', join(folder, 'log.ndjson'))).stdout).not.toContain('BROKEN');

  expect(await okJson('erase', 'agent')).toMatchObject({ changed: true, kept: ['log'] });
  expect(await okJson('erase', 'agent')).toMatchObject({ changed: false });
  expect(await okJson('accounts', 'show', 'agent')).not.toHaveProperty('label');
  await expect
    .poll(async () => JSON.stringify(await okJson('accounts', 'list')), EVENTUALLY)
    .not.toContain('Alice Example');
});
