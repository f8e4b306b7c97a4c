import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mnemonicToAccount } from 'viem/accounts';
import { beforeEach, expect, test } from 'vitest';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { putFleet, WORDS } from './support/keys.ts';
import { useSharedStack } from './support/stack.ts';
import { untilDayLasts } from '../support/day.ts';

const { putStackFile } = useSharedStack();
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = withEnv(await putStackFile(home()), { COUNTERSIGN_PASSWORD: PASSWORD });
});

const run = async (...words: readonly string[]): Promise<Ran> => await pipe(place, words);
const good = async (...words: readonly string[]): Promise<Ran> => {
  const ran = await run(...words);
  expect(ran.code, `${words.join(' ')}: ${ran.stderr}`).toBe(0);
  return ran;
};
/** Each call costs $0.001. */
const call = async (agent: string): Promise<number> =>
  (await run('call', '/tools/lookup?word=river', '--as', agent)).code;
const DENIED = 5;

type Rotated = {
  readonly step: string;
  readonly allowance: string;
  readonly next_at?: number;
  readonly new: { readonly name: string; readonly address: string };
  readonly grants: readonly { readonly old: string; readonly maxTotal: string }[];
};
const rotate = async (...words: readonly string[]): Promise<Rotated> =>
  documentIn(await good('keys', 'rotate', 'agent', ...words, '--as', 'owner', '--json')) as Rotated;

const changeJournal = async (file: string, changes: object): Promise<void> => {
  const journal = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...journal, ...changes }));
};

test('never lets both keys of an agent spend more than the old one might have', async () => {
  // The calls use up a daily limit, so the day must not end meanwhile.
  await untilDayLasts(120_000);
  await putFleet(place, 'team', ['alice']);
  const budget = ['--per-day', '0.004', '--total', '0.02'];
  await good('grant', 'team/alice', ...budget, '--as', 'owner');
  await good('credits', 'top-up', '1');
  expect(await call('team/alice')).toBe(0);

  // A grant reaches the exported log some seconds after the gateway accepted it.
  const dryRun = ['keys', 'rotate', 'agent', 'team/alice', '--dry-run', '--as', 'owner'];
  await expect
    .poll(async () => (await run(...dryRun)).stderr, { timeout: 60_000, interval: 500 })
    .toBe('');
  // By default, the old key keeps a tenth of the day's remaining limit.
  expect(await rotate('team/alice', '--dry-run')).toMatchObject({
    ...{ step: 'dry_run', allowance: '300' },
    grants: [{ total: '20000', spent: '1000', maxTotal: '18700' }],
  });
  const { address } = mnemonicToAccount(WORDS, { path: "m/44'/60'/0'/0'/0'" });
  const file = join(place.home, 'rotations', `${address.toLowerCase()}.json`);
  await expect(stat(file)).rejects.toThrow('ENOENT');

  const begun = await rotate('team/alice', '--allowance', '0.001');
  expect(begun).toMatchObject({
    ...{ step: 'overlap', allowance: '1000', new: { name: 'team/alice-2' } },
    grants: [{ maxTotal: '18000' }],
  });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  // Simulates an interruption after the gateway registered the grant and before the command recorded it.
  await changeJournal(file, { step: 'issuing' });
  expect((await rotate('team/alice')).grants).toEqual(begun.grants);

  // Both keys are valid: the old one for $0.001, and the new one for the rest of the day's limit.
  expect(await call('team/alice')).toBe(0);
  expect(await call('team/alice')).toBe(DENIED);
  for (let count = 0; count < 2; count += 1) expect(await call('team/alice-2')).toBe(0);
  expect(await call('team/alice-2')).toBe(DENIED);

  const ended = await rotate('team/alice', '--finish');
  expect(ended.step).toBe('revoked');
  expect((ended.next_at ?? 1) % 86_400).toBe(0);
  expect(await call('team/alice')).toBe(DENIED);

  // Simulates the end of the day.
  await changeJournal(file, { lift_at: 0 });
  expect((await rotate('team/alice')).step).toBe('done');
  await expect(stat(file)).rejects.toThrow('ENOENT');
  expect(await call('team/alice-2')).toBe(0);
  const shown = documentIn(await good('accounts', 'show', 'team/alice-2', '--json'));
  expect(shown['grants']).toHaveLength(1);
}, 300_000);

test('moves the agents of an owner to a new key, with what remains and its policy', async () => {
  await putFleet(place, 'crew', ['a', 'b', 'bob']);
  const bob = ['crew/bob', '--as', 'agent4'];
  await good('grant', ...bob, '--per-day', '0.004', '--total', '0.02');
  await good('policy', 'set', ...bob, '--per-call', '0.002');
  const owner = ['keys', 'rotate', 'owner', '--as', 'agent4', '--to', 'agent5'];
  await expect
    .poll(async () => (await run(...owner, '--dry-run')).stderr, { timeout: 60_000, interval: 500 })
    .toBe('');
  type Agents = readonly { readonly status: string; readonly total: string }[];
  const moved = documentIn(await good(...owner, '--json'))['agents'] as Agents;
  expect(moved).toMatchObject([{ status: 'moved', total: '20000' }]);
  expect(documentIn(await good(...owner, '--json'))['agents']).toEqual([]);
  const shown = documentIn(await good('accounts', 'show', 'crew/bob', '--as', 'agent5', '--json'));
  expect(shown['grants']).toMatchObject([{ status: 'revoked' }, { status: 'active' }]);
  const policy = documentIn(await good('policy', 'get', 'crew/bob', '--as', 'agent5', '--json'));
  expect(policy['policy']).toMatchObject({ perCall: '$0.002', windows: [{ limit: '$0.004' }] });
  expect((await run('accounts', 'show', ...bob)).code).not.toBe(0);
});

test('refuses a key without a grant of the owner', async () => {
  const stranger = await run('keys', 'rotate', 'agent', 'agent', '--as', 'owner');
  expect(stranger.code).not.toBe(0);
  expect((await run('keys', 'rotate', 'agent', '--as', 'owner')).code).toBe(2);
});
