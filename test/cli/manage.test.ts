import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { entryText } from '../../src/audit/entry.ts';
import { useWorld } from '../conformance/support/world.ts';
import { ALICE, history } from '../unit/audit/history.ts';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { putKey, SOME_KEY } from './support/keys.ts';
import { putStackFile } from './support/stack.ts';
import { openTerminal } from './support/terminal.ts';

const world = useWorld();
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = withEnv(await putStackFile(world(), home()), { COUNTERSIGN_PASSWORD: PASSWORD });
});

const run = async (...words: readonly string[]): Promise<Ran> => await pipe(place, words);

/** The document of a command that must succeed. */
const told = async (...words: readonly string[]): Promise<Record<string, unknown>> => {
  const ran = await run(...words, '--json');
  expect(ran.code, `${words.join(' ')}: ${ran.stdout}${ran.stderr}`).toBe(0);
  return documentIn(ran);
};

/** The error of a command that must fail with this exit code. */
const refused = async (
  exit: number,
  ...words: readonly string[]
): Promise<Record<string, unknown>> => {
  const ran = await run(...words, '--json');
  expect(ran.code, `${words.join(' ')}: ${ran.stdout}${ran.stderr}`).toBe(exit);
  return documentIn(ran)['error'] as Record<string, unknown>;
};

const file = async (name: string, content: unknown): Promise<string> => {
  const path = join(place.directory, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

const accountOf = (address: string): string => `eip155:84532:${address.toLowerCase()}`;
const EVENTUALLY = { timeout: 30_000, interval: 500 };

/** Gives the owner credit and the agent a grant. */
const owned = async (agent: string): Promise<void> => {
  await told('credits', 'top-up', '$0.50', '--to', 'owner', '--as', 'agent8');
  await told('grant', agent, '--total', '$0.40', '--per-call', '$0.05');
};

describe('policies', () => {
  test('change only in the fields that flags name', async () => {
    await owned('agent1');
    const policy = async () => (await told('policy', 'get', 'agent1'))['policy'];
    await refused(1, 'policy', 'get', 'agent1');
    await told(
      'policy',
      'set',
      'agent1',
      '--per-day',
      '$0.10',
      '--rate',
      '60/60s',
      '--tools',
      'lookup,search.*',
    );
    await told('policy', 'set', 'agent1', '--per-day', '$0.20', '--per-call', '$0.01');
    expect(await policy()).toMatchObject({
      perCall: '$0.01',
      rate: { limit: 60, seconds: 60 },
      tools: ['lookup', 'search.*'],
      windows: [{ every: 'day', limit: '$0.20' }],
    });
    await told('policy', 'set', 'agent1', '--rate', 'none', '--until', '2099-12-31');
    expect(await policy()).toMatchObject({ validUntil: 4_102_358_400 });
    expect(await policy()).not.toHaveProperty('rate');
    expect(await told('policy', 'set', 'agent1', '--per-call', '$0.01')).toMatchObject({
      changed: false,
      differences: [],
    });
  });

  test('are not overwritten when another writer changed them', async () => {
    await owned('agent2');
    const { etag } = await told('policy', 'set', 'agent2', '--per-day', '$0.10');
    await told('policy', 'set', 'agent2', '--per-day', '$0.20');
    const words = ['policy', 'set', 'agent2', '--per-day', '$0.30', '--if-match', String(etag)];
    const error = await refused(1, ...words);
    expect(error).toMatchObject({ code: 'precondition_failed' });
    expect(String(error['hint'])).toContain('policy diff');
    expect((await run(...words)).stderr).toContain('Another writer changed this policy');
    expect(await told('policy', 'get', 'agent2')).toMatchObject({
      policy: { windows: [{ limit: '$0.20' }] },
    });
    expect(
      await refused(1, 'policy', 'delete', 'agent2', '--if-match', String(etag)),
    ).toMatchObject({
      code: 'precondition_failed',
    });
    expect(await told('policy', 'delete', 'agent2')).toMatchObject({ changed: true });
    expect(await told('policy', 'delete', 'agent2')).toMatchObject({ changed: false });
  });

  test('round-trip through a file, with a diff in dollars', async () => {
    await owned('agent3');
    await told('policy', 'set', 'agent3', '--lifetime', '$2', '--alert', '50');
    const path = join(place.directory, 'policy.json');
    await told('policy', 'get', 'agent3', '-o', path);
    const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await file('policy.json', { ...document, lifetime: '$2.50' });
    const { stdout } = await run('policy', 'diff', 'agent3', path);
    expect(stdout).toBe('~ lifetime  $2.00 → $2.50\n');
    expect(await told('policy', 'set', 'agent3', path)).toMatchObject({ changed: true });
    expect((await run('policy', 'diff', 'agent3', path)).stdout).toContain('same');
    // An unknown field must not read as no limit: the command rejects it before it sends anything.
    expect(
      await refused(2, 'policy', 'set', 'agent3', await file('bad.json', { perDay: '$1' })),
    ).toMatchObject({
      code: 'malformed_policy',
    });
    expect(
      await refused(
        2,
        'policy',
        'set',
        'agent3',
        await file('twice.json', '{"perCall":"$1","perCall":"$2"}'),
      ),
    ).toMatchObject({ code: 'usage' });
  });

  test('do not change on a dry run', async () => {
    await owned('agent4');
    expect(await told('policy', 'set', 'agent4', '--per-day', '$0.10', '--dry-run')).toMatchObject({
      dry_run: true,
      in_flight: { held: 0, cut_off: 0 },
    });
    expect(await refused(1, 'policy', 'get', 'agent4')).toMatchObject({ code: 'unknown_document' });
    // Keeps a call running that the policy would deny; each hangs for five seconds.
    let over = false;
    const running = (async () => {
      while (!over) await run('call', '/tools/flaky?hang=1', '--as', 'agent4', '--credit');
    })();
    const words = ['policy', 'set', 'agent4', '--per-call', '$0.001', '--dry-run'];
    await expect
      .poll(async () => await told(...words), EVENTUALLY)
      .toMatchObject({ in_flight: { held: 1, cut_off: 1 } });
    await expect
      .poll(async () => (await run(...words)).stdout, EVENTUALLY)
      .toContain('1 call running now; the policy would have denied 1, which may end');
    over = true;
    await running;
  });

  test("of the operator are out of the owner's reach", async () => {
    await owned('agent5');
    expect(
      await told('policy', 'set', 'agent5', '--per-call', '$0.02', '--operator'),
    ).toMatchObject({ slot: 'operator' });
    expect(await refused(1, 'policy', 'get', 'agent5')).toMatchObject({ code: 'unknown_document' });
    expect(
      await refused(
        4,
        'policy',
        'set',
        'agent5',
        '--per-call',
        '$1',
        '--operator',
        '--as',
        'owner',
      ),
    ).toMatchObject({ code: 'forbidden' });
  });
});

describe('an owner', () => {
  test('freezes and resumes by name, address, CAIP-10 or label', async () => {
    await owned('agent6');
    const { address } = people.agents[5];
    // An address works as well: this machine holds the key, so the agent consents.
    const newer = await told('grant', address, '--total', '$0.10');
    const { grant } = newer;
    const [older] = newer['earlier'] as readonly string[];
    expect(newer).toMatchObject({ consent: true, status: 'active', stands_on: grant });
    const grants = async () => (await told('accounts', 'show', 'agent6'))['grants'];
    expect(await grants()).toMatchObject([
      { hash: older, is_default: false },
      { hash: grant, is_default: true },
    ]);
    expect((await run('accounts', 'show', 'agent6')).stdout).toMatch(
      new RegExp(`${String(grant).slice(0, 8)}.* active .* this one`),
    );
    const beside = await told('grant', 'agent6', '--total', '$0.20', '--beside');
    expect(beside).toMatchObject({ stands_on: grant, earlier: [older, grant] });
    expect(await grants()).toMatchObject([{}, { hash: grant, is_default: true }, {}]);
    await told('accounts', 'label', 'agent6', 'research crawler');
    for (const name of [
      'agent6',
      address,
      address.toLowerCase(),
      accountOf(address),
      'research crawler',
    ]) {
      expect(await told('freeze', name)).toMatchObject({
        account: accountOf(address),
        changed: true,
      });
      expect(await told('resume', name)).toMatchObject({ changed: true });
    }
    expect(await told('pause', 'agent6')).toMatchObject({ changed: true });
    expect((await run('resume', 'agent6')).stdout).toMatch(/^done {2}agent6 resumed\n/);
    expect((await run('accounts', 'tree')).stdout).toContain('research crawler');
    expect(await refused(1, 'freeze', 'nobody at all')).toMatchObject({ code: 'unknown_name' });
    expect(
      await refused(
        2,
        'freeze',
        address.replace(/[a-f]/, (letter) => letter.toUpperCase()).replace('0X', '0x'),
      ),
    ).toMatchObject({ code: 'usage' });
  });

  test('cannot act on accounts of others or learn whether they exist', async () => {
    await owned('agent7');
    await putKey(place, 'stranger', SOME_KEY);
    const words = ['freeze', accountOf(people.agents[6].address), '--as', 'stranger'];
    const one = await refused(1, ...words);
    const none = await refused(1, 'freeze', accountOf(`0x${'12'.repeat(20)}`), '--as', 'stranger');
    expect(one).toEqual({ ...none, account: one['account'] });
    expect(one['code']).toBe('unknown_account');
  });

  test('sees a warning about a limit below the price of the cheapest tool', async () => {
    await owned('agent6');
    expect(await told('policy', 'set', 'agent6', '--per-call', '15u')).toMatchObject({
      policy: { perCall: '$0.000015' },
      warnings: [{ field: 'perCall', limit: '15', tool: expect.any(String), price: '1000' }],
    });
    const { stdout } = await run('policy', 'set', 'agent6', '--per-call', '0.0005');
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /warning The limit per call, \$0\.0005 \(500u\), is below the price of the cheapest tool that it allows: \w+ costs \$0\.001\. No paid call will pass\./,
    );
    // A bare number is dollars: $15.00 is above every price.
    const set = await told('policy', 'set', 'agent6', '--per-call', '15');
    expect(set).toMatchObject({ policy: { perCall: '$15.00' } });
    expect(set).not.toHaveProperty('warnings');
    await told('credits', 'top-up', '0.10', '--to', 'owner', '--as', 'agent8');
    const words = ['grant', `0x${'35'.repeat(20)}`, '--total', '1', '--per-call', '0.01'];
    const granted = await told(...words, '--tools', 'translate');
    expect(granted).toMatchObject({
      delegation: { maxTotal: '1000000', maxPerCall: '10000' },
      warnings: [{ field: 'maxPerCall', limit: '10000', tool: 'translate', price: '20000' }],
    });
    expect(await told('revoke', String(granted['grant']))).toMatchObject({ changed: true });
  });

  test('grants by options and revokes by hash', async () => {
    await told('credits', 'top-up', '$0.10', '--to', 'owner', '--as', 'agent8');
    const granted = await told(
      'grant',
      `0x${'34'.repeat(20)}`,
      '--total',
      '$1',
      '--per-day',
      '$0.5',
      '--tools',
      'lookup',
      '--expires',
      '2d',
      '--depth',
      '1',
    );
    expect(granted).not.toHaveProperty('stands_on');
    expect(granted).toMatchObject({
      ...{ consent: false, status: 'offered' },
      delegation: {
        maxTotal: '1000000',
        maxPerCall: '1000000',
        maxPerWindow: '500000',
        windowSeconds: '86400',
        tools: ['lookup'],
        depth: 1,
      },
    });
    expect(await told('revoke', String(granted['grant']))).toMatchObject({ changed: true });
    expect(await told('revoke', String(granted['grant']))).toMatchObject({ changed: false });
    expect(await refused(2, 'grant', 'agent1')).toMatchObject({ code: 'usage' });
    expect(await refused(2, 'grant', 'agent1', '--total', 'much')).toMatchObject({ code: 'usage' });
    expect(await refused(2, 'revoke')).toMatchObject({ code: 'usage' });
    expect(await refused(1, 'revoke', `0x${'56'.repeat(20)}`)).toMatchObject({
      code: 'unknown_grant',
    });
  });
});

test.each([
  ['accounts tree'],
  ['tools list'],
  ['freeze eip155:84532:0x7e5f4552091a69125d5dfcb7b8c2659029395bdf'],
  [`grant 0x7e5f4552091a69125d5dfcb7b8c2659029395bdf --total $1`],
  ['spend'],
  ['tail'],
  ['audit export eip155:84532:0x7e5f4552091a69125d5dfcb7b8c2659029395bdf'],
])('ends %s with 3 and a next step without a network', async (line) => {
  await putKey(place, 'treasury', SOME_KEY);
  const words = [...line.split(' '), '--gateway', 'http://127.0.0.1:1', '--as', 'treasury'];
  const { code, stdout, stderr } = await run(...words);
  expect(code, stderr).toBe(3);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^next {3}/m);
});

test('prints the time of the last report next to the spend of agents', async () => {
  await owned('agent4');
  expect((await run('call', '/tools/lookup?word=elk', '--as', 'agent4', '--credit')).code).toBe(0);
  const tree = await run('accounts', 'tree');
  expect(tree.stdout).toMatch(/agent4 +active +active +\$0\.0\d* +\d\d:\d\d:\d\d +20/);
  expect(tree.stdout.replace(/\s+/g, ' ')).toContain('AS OF (UTC) is their last report');
  const { money } = (await told('credits', 'show')) as {
    readonly money: readonly Readonly<Record<string, string>>[];
  };
  expect(Number(money[0]?.['credit_lent'])).toBeGreaterThan(0);
  expect((await run('credits', 'show')).stdout).toMatch(
    /with agents +\$0\.\d+; agents report what they spent of it within 70 s/,
  );
});

describe('tail', () => {
  test('prints one JSON document a line and ends with 130 on Ctrl-C', async () => {
    await owned('agent1');
    const terminal = openTerminal(place, ['tail', 'agent1', '--json'], 400);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect((await run('call', '/tools/lookup?word=otter', '--as', 'agent1', '--credit')).code).toBe(
      0,
    );
    await terminal.sees('"verdict":"allowed"');
    const line =
      terminal
        .shown()
        .split('\n')
        .find((text) => text.includes('"allowed"')) ?? '';
    expect(JSON.parse(line)).toMatchObject({
      agent: 'agent1',
      tool: 'lookup',
      price: '1000',
      type: 'call.accepted',
    });
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(130);
  });

  test('shows a label that was set after it started', async () => {
    await owned('agent3');
    const terminal = openTerminal(place, ['tail', accountOf(people.agents[2].address)], 120);
    await terminal.sees('watching 1 account');
    await told('accounts', 'label', 'agent3', 'Night shift');
    await terminal.sees(/agent3 \(Night shift\) +order +label Night shift/);
    expect((await run('call', '/tools/lookup?word=owl', '--as', 'agent3', '--credit')).code).toBe(
      0,
    );
    await terminal.sees(/agent3 \(Night shift\) +lookup +\$0\.001 +allowed/);
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(130);
  });

  test('ends for an unknown account', async () => {
    expect(await refused(1, 'tail', accountOf(`0x${'12'.repeat(20)}`))).toMatchObject({
      code: 'unknown_account',
    });
  });
});

describe('an operator', () => {
  test('applies a file after a preview and a confirmation', async () => {
    const { tools } = (await told('tools', 'list')) as {
      tools: { id: string; tool: Record<string, unknown> }[];
    };
    const all = tools.map(({ tool }) => tool);
    const lookup = tools.find(({ id }) => id === 'lookup')?.tool ?? {};
    const others = all.filter(({ id }) => id !== 'lookup' && id !== 'translate');
    const path = await file('tools.json', {
      tools: [
        { ...lookup, price: '$0.002' },
        ...others,
        { ...lookup, id: 'lookup2', path: '/tools/lookup2' },
      ],
    });
    const asked = await run('apply', path);
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain('--yes');
    expect(asked.stdout).toMatch(
      /- translate\n~ lookup\n +price {2}\$0\.001 → \$0\.002\n\+ lookup2/,
    );

    const terminal = openTerminal(place, ['apply', path]);
    await terminal.sees('Apply 3 changes?');
    terminal.press('enter');
    expect(await terminal.ended()).toBe(130);
    expect(await told('tools', 'get', 'lookup')).toMatchObject({ tool: { price: '$0.001' } });

    expect(await told('apply', path, '--yes')).toMatchObject({
      applied: ['translate', 'lookup', 'lookup2'],
      raced: [],
    });
    expect(await told('tools', 'get', 'lookup')).toMatchObject({ tool: { price: '$0.002' } });
    expect(await refused(1, 'tools', 'get', 'translate')).toMatchObject({ code: 'unknown_tool' });
    expect((await run('apply', path)).stdout).toContain('same');
    expect(
      await told('apply', await file('all.json', { tools: all }), '--yes', '--keep'),
    ).toMatchObject({
      applied: ['lookup', 'translate'],
    });
    expect(await told('tools', 'remove', 'lookup2')).toMatchObject({ changed: true });
    expect(
      await refused(2, 'apply', await file('none.json', { tools: [{ id: 'x' }] }), '--yes'),
    ).toMatchObject({ code: 'usage' });
  });

  test('overwrites no tool that changed during the confirmation', async () => {
    const { tools } = (await told('tools', 'list')) as {
      tools: { id: string; tool: Record<string, unknown> }[];
    };
    const all = tools.map(({ tool }) => tool);
    const changed = (id: string, fields: object) =>
      all.map((tool) => (tool['id'] === id ? { ...tool, ...fields } : tool));
    const path = await file('mine.json', { tools: changed('report', { price: '$0.06' }) });
    const terminal = openTerminal(place, ['apply', path]);
    await terminal.sees('Apply 1 change?');
    const theirs = changed('report', { price: '$0.07' }).find((tool) => tool['id'] === 'report');
    await told('tools', 'put', await file('theirs.json', theirs));
    terminal.type('y');
    await terminal.sees(/raced {2}report/);
    expect(await terminal.ended()).toBe(1);
    expect(await told('tools', 'get', 'report')).toMatchObject({ tool: { price: '$0.07' } });
    await told('apply', await file('all.json', { tools: all }), '--yes');
  });

  test('disables and enables a tool', async () => {
    expect(await told('tools', 'disable', 'echo')).toMatchObject({ changed: true });
    expect((await run('tools', 'list')).stdout).toMatch(/echo +\$0\.001 +deferred +disabled/);
    expect(await told('tools', 'disable', 'echo')).toMatchObject({ changed: false });
    expect(await told('tools', 'enable', 'echo')).toMatchObject({ changed: true });
    expect(await refused(4, 'tools', 'list', '--as', 'owner')).toMatchObject({ code: 'forbidden' });
  });

  test('adds and takes credit', async () => {
    const { address } = people.agents[7];
    await told('credits', 'top-up', '$0.01', '--as', 'agent8');
    const given = await told(
      'credits',
      'adjust',
      address,
      '--give',
      '$0.05',
      '--reason',
      'ticket 7',
    );
    expect(given).toMatchObject({ amount: '50000' });
    expect(
      await told('credits', 'adjust', 'agent8', '--take', '$0.05', '--reason', 'ticket 7'),
    ).toMatchObject({ amount: '-50000' });
    expect(
      await refused(1, 'credits', 'adjust', 'agent8', '--take', '$500', '--reason', 'all'),
    ).toMatchObject({ code: 'credit_too_low' });
    expect((await run('credits', 'show', '--as', 'agent8')).stdout).toMatch(/credit +\$0\./);
    expect(await refused(2, 'credits', 'adjust', 'agent8', '--give', '$1')).toMatchObject({
      code: 'usage',
    });
    expect(await refused(2, 'credits', 'refund', 'agent8', 'no hash')).toMatchObject({
      code: 'usage',
    });
  });

  test('reads settlements, accounts and the spend of the gateway', async () => {
    expect((await run('call', '/tools/lookup?word=river', '--as', 'agent7')).code).toBe(0);
    const { address } = people.agents[6];
    const list = async () =>
      (await told('settlements', 'list', '--account', address))['settlements'] as {
        call: string;
        state: string;
      }[];
    await expect.poll(list, EVENTUALLY).not.toHaveLength(0);
    const [first] = await list();
    const story = await run('settlements', 'show', address, first?.call ?? '');
    expect(story.stdout).toMatch(/state +(open|settled)/);
    expect(story.stdout).toContain('call.accepted');
    expect(await refused(2, 'settlements', 'write-off', address, first?.call ?? '')).toMatchObject({
      code: 'usage',
    });
    expect((await run('settlements', 'letters')).stdout).toContain('none');
    expect(await told('settlements', 'backends')).toMatchObject({
      backends: expect.any(Array) as unknown[],
      relayers: expect.any(Array) as unknown[],
    });
    const revenue = async () =>
      (await run('settlements', 'export')).stdout
        .split('\r\n')
        .filter((row) => row.includes(',revenue,lookup,'));
    await expect.poll(revenue, EVENTUALLY).not.toHaveLength(0);
    // No cron trigger ran on this stack.
    expect((await run('settlements', 'reconcile')).stdout).toContain('No reconciliation yet');
    expect(await told('settlements', 'reconcile')).toMatchObject({
      ...{ reconciliations: [], differences: [] },
    });
    expect((await run('accounts', 'list')).stdout).toContain('eip155:84532:');
    expect(await told('spend', '--operator', '--by', 'agent')).toMatchObject({
      scope: 'gateway',
      by: 'agent',
    });
    expect(await refused(2, 'spend', '--from', '2026-02-31')).toMatchObject({ code: 'usage' });
  });

  test('creates, changes, lists and removes webhooks', async () => {
    const put = ['webhooks', 'put', 'pager', 'https://ops.example/alerts', '--operator'];
    expect(await told(...put, '--events', 'debt,breaker')).toMatchObject({ changed: true });
    expect(await told(...put, '--events', 'debt')).toMatchObject({ changed: true });
    expect(await told('webhooks', 'list', '--operator')).toMatchObject({
      webhooks: [{ id: 'pager', events: ['debt'], state: 'active' }],
    });
    expect(await refused(2, ...put, '--events', 'everything')).toMatchObject({ code: 'usage' });
    expect((await run('webhooks', 'log', 'pager', '--operator')).stdout).toContain(
      'No delivery yet',
    );
    expect(await told('webhooks', 'remove', 'pager', '--operator')).toMatchObject({
      changed: true,
    });
    expect(await refused(1, 'webhooks', 'remove', 'pager', '--operator')).toMatchObject({
      code: 'unknown_document',
    });
  });
});

describe('a log', () => {
  test('verifies offline after an export, unless it was altered', async () => {
    await owned('agent2');
    expect((await run('call', '/tools/lookup?word=river', '--as', 'agent2', '--credit')).code).toBe(
      0,
    );
    const path = join(place.directory, 'log.ndjson');
    const exported = async () => {
      expect(await told('audit', 'export', 'agent2', '-o', path)).toMatchObject({ file: path });
      return await readFile(path, 'utf8');
    };
    await expect.poll(exported, EVENTUALLY).toContain('"price":"1000"');
    expect(await readdir(place.directory)).not.toContainEqual(expect.stringContaining('draft'));
    const offline = withEnv(place, { COUNTERSIGN_GATEWAY: 'http://127.0.0.1:1' });
    const verified = documentIn(await pipe(offline, ['audit', 'verify', path, '--json']));
    expect(verified).toMatchObject({ verified: true, first: 1, whole: true });
    const { recomputed, ...rest } = verified['signatures'] as { recomputed: number };
    expect(rest).toEqual({ by_chain: [], sealed: 0, outside: 0 });
    // At least the grant and the intent of the call.
    expect(recomputed).toBeGreaterThan(1);
    expect((await pipe(offline, ['audit', 'verify', path])).stdout).toContain(
      `signatures  ${recomputed} recomputed`,
    );
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"price":"1000"', '"price":"1"'));
    expect(await refused(1, 'audit', 'verify', path)).toMatchObject({
      code: 'log_broken',
      reason: expect.stringMatching(/^(altered|unlinked)$/) as string,
    });
    await writeFile(path, text.split('\n').toSpliced(1, 1).join('\n'));
    expect(await refused(1, 'audit', 'verify', path)).toMatchObject({ code: 'log_broken' });
    await writeFile(path, text);
    const head = String(verified['hash']);
    expect(
      documentIn(await pipe(place, ['audit', 'verify', path, '--head', head, '--json'])),
    ).toMatchObject({ hash: head });
    expect(
      await refused(1, 'audit', 'verify', path, '--head', `0x${'00'.repeat(32)}`),
    ).toMatchObject({ code: 'log_broken' });
    // An intact chain with an unsigned entry.
    const unsigned = history(ALICE, [{ type: 'tool.put', at: 1, outcome: { name: 'lookup' } }]);
    await writeFile(path, `${unsigned.map(entryText).join('\n')}\n`);
    expect(await refused(1, 'audit', 'verify', path)).toMatchObject({
      ...{ code: 'log_broken', reason: 'unsigned', line: 1, seq: 1 },
      ...{ field: 'evidence', fault: 'missing' },
    });
    const calls = await run('audit', 'export', 'agent2', '--format', 'csv');
    expect(calls.stdout).toMatch(/^accepted_at,account,.*\n.*,lookup,committed,/s);
  });
});

describe('import', () => {
  const keys = {
    data: [
      {
        keyId: 'key_1',
        start: 'sk',
        createdAt: 1,
        enabled: true,
        name: 'crawler',
        credits: { remaining: 100, refill: { interval: 'daily', amount: 100 } },
        permissions: ['x'],
      },
    ],
  };

  test('prints policies and unmapped fields without a gateway', async () => {
    const alone = withEnv(home(), { COUNTERSIGN_GATEWAY: '' });
    const path = await file('keys.json', keys);
    const { code, stdout } = await pipe(alone, ['import', 'unkey', path, '--price', '$0.001']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/crawler {2}key_1\nper day {2}\$0\.10\n✗ permissions: /);
    expect(
      documentIn(await pipe(alone, ['import', 'unkey', '-', '--json'], JSON.stringify(keys))),
    ).toMatchObject({
      items: [{ id: 'key_1', policy: {}, notes: [{ field: 'credits' }, { field: 'permissions' }] }],
    });
    expect((await pipe(alone, ['import', 'litellm', path])).code).toBe(2);
  });

  test('writes policies to the accounts that --map names', async () => {
    await owned('agent3');
    const rows = [
      {
        token: 'a'.repeat(64),
        key_alias: 'crawler',
        max_budget: 0.25,
        budget_duration: '1d',
        soft_budget: 0.2,
        models: [],
      },
      { token: 'b'.repeat(64), key_alias: 'other', max_budget: 1, models: [] },
    ];
    const words = ['import', 'litellm', await file('keys.json', { keys: rows }), '--apply'];
    expect(await refused(2, ...words)).toMatchObject({ code: 'usage' });
    const map = await file('map.json', { crawler: 'agent3' });
    expect(await refused(2, ...words, '--map', map)).toMatchObject({ code: 'usage' });
    expect(await told(...words, '--map', map, '--yes')).toMatchObject({
      applied: [{ account: accountOf(people.agents[2].address), changed: true }],
      left: ['b'.repeat(64)],
    });
    expect(await told('policy', 'get', 'agent3')).toMatchObject({
      policy: { windows: [{ every: 'day', limit: '$0.25' }], softPercent: 80 },
    });
  });
});

test.each([
  ['policy get agent1 --operator'],
  ['policy set --help'],
  ['accounts tree'],
  ['accounts list'],
  ['accounts show owner'],
  ['tools list'],
  ['spend --operator'],
  ['settlements list'],
  ['settlements backends'],
  ['settlements reconcile'],
  ['credits show owner'],
  ['grant agent1 --total much'],
  ['webhooks list'],
])('fits %s into 40 columns', async (line) => {
  await told(
    'policy',
    'set',
    'agent1',
    '--per-call',
    '$0.02',
    '--tools',
    'lookup,translate,report,summarise',
    '--operator',
  );
  const terminal = openTerminal(place, line.split(' '), 40);
  await terminal.ended();
  const broken = terminal
    .shown()
    .split('\n')
    .filter((text) => [...text].length > 40 && text.trim().includes(' '));
  expect(broken).toEqual([]);
  expect(terminal.shown().length).toBeGreaterThan(10);
});
