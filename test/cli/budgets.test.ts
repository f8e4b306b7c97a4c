import { beforeEach, describe, expect, test } from 'vitest';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { putKey, SOME_KEY } from './support/keys.ts';
import { useSharedStack } from './support/stack.ts';
import { untilDayLasts, untilNextSecond } from '../support/day.ts';

const { putStackFile } = useSharedStack();
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = withEnv(await putStackFile(home()), { COUNTERSIGN_PASSWORD: PASSWORD });
});

const run = async (...words: readonly string[]): Promise<Ran> => await pipe(place, words);

describe('a fleet with budgets', () => {
  test('takes an owner three commands, and an agent one', async () => {
    // The calls use up a daily limit, so the day must not end meanwhile.
    await untilDayLasts(60_000);
    const made = await run('fleet', 'new', 'team', '--names', 'a,b,c', '--per-day', '0.002');
    expect(made.code, made.stderr).toBe(0);
    expect(made.stdout).toContain('each may spend $0.002 a day');
    expect(made.stdout).toContain('countersign credits top-up 5');
    expect((await run('credits', 'top-up', '5')).code).toBe(0);
    const call = ['call', '/tools/lookup?word=river', '--as', 'team/a'];
    const paid = await run(...call);
    expect(paid.code, paid.stderr).toBe(0);
    expect(paid.stderr).toContain('paid $0.001 in USDC on base-sepolia, from credit');
    expect((await run('call', '/tools/lookup?word=lake', '--as', 'team/a')).code).toBe(0);
    const denied = await run('call', '/tools/lookup?word=sea', '--as', 'team/a');
    expect(denied.code).toBe(5);
    expect(denied.stderr).toContain('Wait until the limit resets');
    expect((await run('call', '/tools/lookup?word=sea', '--as', 'team/b')).code).toBe(0);
  });

  test('can be given later, and again', async () => {
    await run('fleet', 'new', 'later', '-n', '2');
    const given = await run(
      'fleet',
      'budget',
      'later',
      '--total',
      '5',
      '--per-call',
      '0.02',
      '--json',
    );
    expect(documentIn(given)).toMatchObject({
      name: 'later',
      grants: [{ agent: 'later/a1' }, { agent: 'later/a2' }],
    });
    const { below } = documentIn(await run('accounts', 'tree', '--json')) as {
      readonly below: readonly { readonly status: string }[];
    };
    expect(below.filter(({ status }) => status === 'active').length).toBeGreaterThanOrEqual(2);
  });

  test('does not let a revoked agent spend again', async () => {
    const made = await run('fleet', 'new', 'crew', '--names', 'dan,eve', '--per-day', '0.10');
    expect(made.code, made.stderr).toBe(0);
    expect((await run('credits', 'top-up', '1')).code).toBe(0);
    const revoked = await run('revoke', 'crew/eve');
    expect(revoked.code, revoked.stderr).toBe(0);
    const given = await run('fleet', 'budget', 'crew', '--per-day', '0.20');
    expect(given.code, given.stderr).toBe(0);
    expect(given.stdout).toContain('it may spend $0.20 a day');
    const said = given.stdout.replaceAll(/\s+/g, ' ');
    expect(said).toContain('skipped crew/eve: revoked; `countersign grant crew/eve --per-day 1`');
    const call = ['call', '/tools/lookup?word=river', '--as'];
    expect((await run(...call, 'crew/eve')).code).toBe(5);
    expect((await run(...call, 'crew/dan')).code).toBe(0);
    expect(
      documentIn(await run('fleet', 'budget', 'crew', '--total', '2', '--json')),
    ).toMatchObject({
      grants: [{ agent: 'crew/dan' }],
      skipped: [{ agent: 'crew/eve', why: 'revoked' }],
    });
    // The owner sets the limit of one agent of the fleet.
    expect((await run('grant', 'crew/eve', '--per-day', '0.20')).code).toBe(0);
    expect((await run(...call, 'crew/eve')).code).toBe(0);
  });

  test('keeps the fleet if the owner has no money, and names what grants later', async () => {
    await putKey(place, 'poor', SOME_KEY);
    const failed = await run('fleet', 'new', 'kept', '-n', '2', '--per-day', '1', '--as', 'poor');
    expect(failed.code).toBe(5);
    const said = failed.stderr.replaceAll(/\s+/g, ' ');
    expect(said).toContain('0 of 2 agents have a budget');
    expect(said).toMatch(/Send some USDC, any amount, to 0x[0-9a-fA-F]{40}/);
    expect(said).toContain('countersign fleet budget kept');
    expect((await run('fleet', 'list', 'kept')).stdout).toContain('kept/a2');
  });

  test('makes no key if the gateway is down, or if only a part of a budget is given', async () => {
    const down = ['--gateway', 'http://127.0.0.1:1', '--as', 'owner'];
    expect((await run('fleet', 'new', 'none', '--per-day', '1', ...down)).code).toBe(3);
    const part = await run('fleet', 'new', 'none', '--per-call', '1');
    expect(part.code).toBe(2);
    expect(part.stderr).toContain('--per-call is a part of a budget');
    expect((await run('fleet', 'list', 'none')).code).toBe(4);
  });
});

test('derives the total of a grant from its days', async () => {
  const words = [
    'grant',
    `0x${'56'.repeat(20)}`,
    '--per-day',
    '0.50',
    '--expires',
    '10d',
    '--json',
  ];
  expect(documentIn(await run(...words))).toMatchObject({
    delegation: { maxTotal: '5000000', maxPerCall: '500000', maxPerWindow: '500000' },
  });
  const given = await run(...words, '--total', '2');
  expect(documentIn(given)).toMatchObject({
    delegation: { maxTotal: '2000000', maxPerCall: '500000' },
  });
  const none = await run('grant', `0x${'56'.repeat(20)}`);
  expect(none.code).toBe(2);
  expect(none.stderr).toContain('--per-day');
});

describe('an owner without an account', () => {
  test('sees an empty tree and no calls', async () => {
    await putKey(place, 'fresh', `0x${'8'.repeat(64)}`);
    const tree = await run('accounts', 'tree', '--as', 'fresh');
    expect(tree.code, tree.stderr).toBe(0);
    expect(tree.stdout).toContain('countersign fleet new');
    const calls = await run('calls', 'list', '--as', 'fresh');
    expect(calls.code, calls.stderr).toBe(0);
    expect(calls.stdout).toContain('No call matches.');
  });

  test('reads how an account begins', async () => {
    await putKey(place, 'fresh', `0x${'8'.repeat(64)}`);
    const shown = await run('accounts', 'show', '--as', 'fresh');
    expect(shown.code).toBe(1);
    expect(shown.stderr).toContain('countersign credits top-up 1');
  });
});

/** A list with the calls of both agents in either order, because they may be of one second, and then the owner's top-up. */
const BOTH = /team\/(?:a[^]*team\/b|b[^]*team\/a)[^]*owner/;

test('lists the calls of the whole tree for its owner', async () => {
  // The test must make and list the calls on the same day.
  await untilDayLasts(60_000);
  await run('fleet', 'new', 'team', '--names', 'a,b', '--per-day', '0.50');
  await run('credits', 'top-up', '5');
  await untilNextSecond();
  for (const agent of ['team/a', 'team/b'])
    expect((await run('call', '/tools/lookup?word=river', '--as', agent)).code).toBe(0);
  await expect
    .poll(async () => (await run('calls', 'list', '--as', 'owner', '--from', 'today')).stdout, {
      timeout: 60_000,
      interval: 1_000,
    })
    .toMatch(BOTH);
  // Without `--from` and `--to`, the gateway itself lists the newest calls of the tree.
  expect((await run('calls', 'list', '--as', 'owner')).stdout).toMatch(BOTH);
  const newest = await run('calls', 'list', '--as', 'owner', '--limit', '2');
  expect(newest.stdout).toMatch(/team\/[ab][^]*team\/[ab]/);
  expect(newest.stdout).not.toContain('owner');
  const none = await run('calls', 'list', '--as', 'owner', '--tool', 'none');
  expect(none.stdout).toContain('No call matches.');
  const later = await run('calls', 'list', '--as', 'owner', '--to', 'yesterday');
  expect(later.stdout).toContain('No call matches.');
});
