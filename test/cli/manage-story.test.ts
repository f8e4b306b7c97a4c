import { writeFile } from 'node:fs/promises';
import { beforeEach, expect, test } from 'vitest';
import { untilDayLasts } from '../support/day.ts';
import { documentIn, pipe } from './support/command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { useSharedStack } from './support/stack.ts';
import { openTerminal } from './support/terminal.ts';

const { putStackFile } = useSharedStack();
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = withEnv(await putStackFile(home()), { COUNTERSIGN_PASSWORD: PASSWORD });
});

/** The account merges equal denials of ten seconds into one entry. */
const PATIENCE = { timeout: 90_000, interval: 1_000 };

/** A call that costs $0.02. */
const translate = ['call', '/tools/translate', '-d', '{"text":"hello","to":"fr"}', '--credit'];

/** The terminal output of all commands, in order. */
const transcript: string[] = [];

const wordOf = (word: string): string => (/^[\w./:=-]+$/.test(word) ? word : `'${word}'`);

/** Runs a command at a terminal until it ends. */
const at = async (line: readonly string[], exit = 0): Promise<string> => {
  const terminal = openTerminal(place, line, 100);
  const code = await terminal.ended();
  const shown = terminal.shown().trimEnd();
  transcript.push(`$ countersign ${line.map(wordOf).join(' ')}\n${shown}\n`);
  expect(code, shown).toBe(exit);
  return shown;
};

test('lets an owner govern a fleet with the command alone', async () => {
  // The story uses up a daily limit, so the day must not end meanwhile.
  await untilDayLasts(240_000);
  // A fleet of three agents that have no money of their own.
  expect(await at(['fleet', 'new', 'team', '--names', 'alice,bob,carol'])).toContain('3 agents');
  await at(['credits', 'top-up', '$1', '--to', 'owner', '--as', 'agent']);
  for (const agent of ['alice', 'bob', 'carol']) {
    const shown = await at(['grant', `team/${agent}`, '--total', '$0.50', '--per-call', '$0.02']);
    expect(shown).toContain('consents');
  }
  const set = await at(['policy', 'set', 'team/alice', '--per-day', '$0.002', '--tools', 'lookup']);
  expect(set).toMatch(/\+ per day +\$0\.002/);
  expect(await at(['accounts', 'tree'])).toMatch(/team\/alice +active +active +\$0\.00/);

  // A second terminal follows the decisions.
  const watch = openTerminal(place, ['tail'], 100);
  await watch.sees('watching 4 accounts');

  // An offer without consent creates no account and does not end `tail`.
  const offered = await at(['grant', `0x${'34'.repeat(20)}`, '--total', '$0.01']);
  expect(offered).toContain('has not consented');
  expect(await at(['accounts', 'tree'])).toMatch(/0x3434\S* +offered/);

  // The limit covers two calls.
  for (const _ of [1, 2]) {
    const shown = await at(['call', '/tools/lookup?word=river', '--as', 'team/alice', '--credit']);
    expect(shown).toContain('paid $0.001 in USDC on base-sepolia, from credit');
  }
  await watch.sees(/team\/alice +lookup +\$0\.001 +allowed +from the parent's credit/);
  await watch.sees(/team\/alice +lookup +\$0\.001 +allowed/);

  // The third call exceeds the limit.
  const denied = await at(
    ['call', '/tools/lookup?word=otter', '--as', 'team/alice', '--credit'],
    5,
  );
  expect(denied).toMatch(/rule +window/);
  expect(denied).toMatch(/limit +\$0\.002/);
  expect(denied).toMatch(/left +\$0\.00/);
  await expect
    .poll(() => watch.shown(), PATIENCE)
    .toMatch(/team\/alice +lookup +denied +window, limit \$0\.002, left \$0\.00/);
  expect(await at(['accounts', 'show', 'team/alice'])).toMatch(
    /per day, by its owner +\$0\.002 +\$0\.00/,
  );

  // After a dry run, the owner raises the limit.
  const raised = await at(['policy', 'set', 'team/alice', '--per-day', '$0.05', '--dry-run']);
  expect(raised).toMatch(/dry run/);
  expect(raised).toMatch(/~ per day +\$0\.002 → \$0\.05/);
  expect(await at(['policy', 'set', 'team/alice', '--per-day', '$0.05'])).toMatch(/~ per day/);
  await at(['call', '/tools/lookup?word=otter', '--as', 'team/alice', '--credit']);

  // The owner revokes the grant of one agent.
  await at([...translate, '--as', 'team/carol']);
  expect(await at(['revoke', 'team/carol'])).toMatch(/1 grant of team\/carol revoked for ever/);
  expect(await at(['accounts', 'show', 'team/carol'])).toMatch(/no valid grant/);
  // The operator's list shows the same, although D1 stores no grants.
  const listed = async (): Promise<unknown> =>
    documentIn(await pipe(place, ['accounts', 'list', '--json']));
  await expect.poll(listed, PATIENCE).toMatchObject({
    accounts: expect.arrayContaining([
      expect.objectContaining({ status: 'active', spend_status: 'no valid grant' }),
    ]) as unknown,
  });
  expect(await at(['accounts', 'list'])).toMatch(/team\/carol +no valid grant/);
  const cut = await at([...translate, '--as', 'team/carol'], 5);
  expect(cut).toMatch(/rule +revoked/);
  await expect
    .poll(() => watch.shown(), PATIENCE)
    .toMatch(/team\/carol +translate +denied +revoked/);

  // The spend report by tool.
  const spent = async (): Promise<unknown> => documentIn(await pipe(place, ['spend', '--json']));
  await expect.poll(spent, PATIENCE).toMatchObject({
    rows: [
      { key: 'translate', calls: 1, charged: '20000', denied: 1 },
      { key: 'lookup', calls: 3, charged: '3000', denied: 1 },
    ],
    totals: [{ charged: '23000' }],
  });
  const table = await at(['spend', '--by', 'tool']);
  expect(table).toMatch(/lookup +\$0\.003 +3 +1 +0 +[█▏▎▍▌▋▊▉]+/);
  expect(table).toMatch(/total +\$0\.023 +4/);
  expect(await at(['spend', '--by', 'agent'])).toMatch(/team\/alice +\$0\.003/);

  watch.press('ctrl-c');
  expect(await watch.ended()).toBe(130);
  transcript.push(
    `$ countersign tail   # in another terminal, all the while\n${watch.shown().trimEnd()}\n`,
  );
  const file = process.env['COUNTERSIGN_STORY'] ?? '';
  if (file !== '') await writeFile(file, transcript.join('\n'));
}, 600_000);
