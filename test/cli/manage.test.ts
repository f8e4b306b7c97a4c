import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, test, vi } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { createAgent, createManagement } from '../../src/client/index.ts';
import { putKey, SOME_KEY } from './support/keys.ts';
import { accountOf, EVENTUALLY, useManagement } from './support/management.ts';
import { openTerminal } from './support/terminal.ts';

const { gateway, place, run, okJson, errorOf, grantTo } = useManagement();

describe('an owner', () => {
  test('freezes and resumes by name, address, CAIP-10 or label', async () => {
    await grantTo('agent6');
    const { address } = people.agents[5];
    // `grant` accepts an address too. This machine has the agent's key, so the command adds the consent.
    const newer = await okJson('grant', address, '--total', '$0.10');
    const { grant } = newer;
    const [older] = newer['earlier'] as readonly string[];
    expect(newer).toMatchObject({ consent: true, status: 'active', stands_on: grant });
    const grants = async () => (await okJson('accounts', 'show', 'agent6'))['grants'];
    expect(await grants()).toMatchObject([
      { hash: older, is_default: false },
      { hash: grant, is_default: true },
    ]);
    expect((await run('accounts', 'show', 'agent6')).stdout).toMatch(
      new RegExp(`${String(grant).slice(0, 8)}.* active .* this one`),
    );
    const additional = await okJson('grant', 'agent6', '--total', '$0.20', '--beside');
    expect(additional).toMatchObject({ stands_on: grant, earlier: [older, grant] });
    expect(await grants()).toMatchObject([{}, { hash: grant, is_default: true }, {}]);
    await okJson('accounts', 'label', 'agent6', 'research crawler');
    for (const name of [
      'agent6',
      address,
      address.toLowerCase(),
      accountOf(address),
      'research crawler',
    ]) {
      expect(await okJson('freeze', name)).toMatchObject({
        account: accountOf(address),
        changed: true,
      });
      expect(await okJson('resume', name)).toMatchObject({ changed: true });
    }
    expect(await okJson('pause', 'agent6')).toMatchObject({ changed: true });
    expect((await run('resume', 'agent6')).stdout).toMatch(/^done {2}agent6 resumed\n/);
    expect((await run('accounts', 'tree')).stdout).toContain('research crawler');
    expect(await errorOf(1, 'freeze', 'no such account')).toMatchObject({ code: 'unknown_name' });
    expect(
      await errorOf(
        2,
        'freeze',
        address.replace(/[a-f]/, (digit) => digit.toUpperCase()).replace('0X', '0x'),
      ),
    ).toMatchObject({ code: 'usage' });
  });

  test('cannot act on accounts of others or learn whether they exist', async () => {
    await grantTo('agent7');
    await putKey(place(), 'stranger', SOME_KEY);
    const command = ['freeze', accountOf(people.agents[6].address), '--as', 'stranger'];
    const one = await errorOf(1, ...command);
    const none = await errorOf(1, 'freeze', accountOf(`0x${'12'.repeat(20)}`), '--as', 'stranger');
    expect(one).toEqual({ ...none, account: one['account'] });
    expect(one['code']).toBe('unknown_account');
  });

  test('signs no grant for an account that is revoked for good', async () => {
    await grantTo('agent5');
    const { address } = people.agents[4];
    const params = { account: accountOf(address) as `eip155:${number}:0x${string}` };
    await createManagement({
      gateway: gateway(),
      account: privateKeyToAccount(people.owner.privateKey),
    }).call('account.status', { params, body: { status: 'revoked' } });
    expect(await errorOf(1, 'grant', 'agent5', '--total', '1')).toMatchObject({
      code: 'account_revoked',
    });
  });

  test('sees a warning about a limit below the price of the cheapest tool', async () => {
    await grantTo('agent6');
    expect(await okJson('policy', 'set', 'agent6', '--per-call', '15u')).toMatchObject({
      policy: { perCall: '$0.000015' },
      warnings: [{ field: 'perCall', limit: '15', tool: expect.any(String), price: '1000' }],
    });
    const { stdout } = await run('policy', 'set', 'agent6', '--per-call', '0.0005');
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /warning The limit per call, \$0\.0005 \(500u\), is below the price of the cheapest tool that it allows: \w+ costs \$0\.001\. No call paid by a token will pass\./,
    );
    // A number without `$` is in dollars: $15.00 is above every price.
    const set = await okJson('policy', 'set', 'agent6', '--per-call', '15');
    expect(set).toMatchObject({ policy: { perCall: '$15.00' } });
    expect(set).not.toHaveProperty('warnings');
    await okJson('credits', 'top-up', '0.10', '--to', 'owner', '--as', 'agent8');
    const command = ['grant', `0x${'35'.repeat(20)}`, '--total', '1', '--per-call', '0.01'];
    const granted = await okJson(...command, '--tools', 'translate');
    expect(granted).toMatchObject({
      delegation: { maxTotal: '1000000', maxPerCall: '10000' },
      warnings: [{ field: 'maxPerCall', limit: '10000', tool: 'translate', price: '20000' }],
    });
    expect(await okJson('revoke', String(granted['grant']))).toMatchObject({ changed: true });
  });

  test('grants by options and revokes by hash', async () => {
    await okJson('credits', 'top-up', '$0.10', '--to', 'owner', '--as', 'agent8');
    const granted = await okJson(
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
        maxPerCall: '500000',
        maxPerWindow: '500000',
        windowSeconds: '86400',
        tools: ['lookup'],
        depth: 1,
      },
    });
    expect(await okJson('revoke', String(granted['grant']))).toMatchObject({ changed: true });
    expect(await okJson('revoke', String(granted['grant']))).toMatchObject({ changed: false });
    expect(await errorOf(2, 'grant', 'agent1')).toMatchObject({ code: 'usage' });
    expect(await errorOf(2, 'grant', 'agent1', '--total', 'much')).toMatchObject({ code: 'usage' });
    expect(await errorOf(2, 'revoke')).toMatchObject({ code: 'usage' });
    expect(await errorOf(1, 'revoke', `0x${'56'.repeat(20)}`)).toMatchObject({
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
  await putKey(place(), 'treasury', SOME_KEY);
  const command = [...line.split(' '), '--gateway', 'http://127.0.0.1:1', '--as', 'treasury'];
  const { code, stdout, stderr } = await run(...command);
  expect(code, stderr).toBe(3);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^next {3}/m);
});

test('prints the time of the last report next to the spend of agents', async () => {
  await grantTo('agent4');
  const { fetch } = createAgent({
    account: privateKeyToAccount(people.agents[3].privateKey),
    spend: { perCall: '$0.05', total: '$1', onlyCredit: true },
  });
  // The lease of a single call is used up, and the agent reports it after ten seconds, which may be sooner than the second command runs. An
  // agent that calls repeatedly gets a larger share than it needs, and reports when its lease ends.
  for (const word of ['elk', 'emu', 'owl'])
    expect((await fetch(`${gateway()}/tools/lookup?word=${word}`)).status).toBe(200);
  const tree = await run('accounts', 'tree');
  expect(tree.stdout).toMatch(/agent4 +active +active +\$0\.0\d* +\d\d:\d\d:\d\d +20/);
  expect(tree.stdout.replace(/\s+/g, ' ')).toContain('AS OF (UTC) is their last report');
  const { money } = (await okJson('credits', 'show')) as {
    readonly money: readonly Readonly<Record<string, string>>[];
  };
  expect(Number(money[0]?.['credit_lent'])).toBeGreaterThan(0);
  expect((await run('credits', 'show')).stdout).toMatch(
    /with agents +\$0\.\d+; agents report what they spent of it within 70 s/,
  );
});

describe('tail', () => {
  test('prints one JSON document a line and ends with 130 on Ctrl-C', async () => {
    await grantTo('agent1');
    const terminal = openTerminal(place(), ['tail', 'agent1', '--json'], 400);
    const call = ['call', '/tools/lookup?word=otter', '--as', 'agent1', '--credit'];
    // The command does not show when it starts to follow the account, so the agent calls until a call is printed.
    const line = await vi.waitFor(async () => {
      expect((await run(...call)).code).toBe(0);
      const whole = terminal.shown().split('\n').slice(0, -1);
      const allowed = whole.find((text) => text.includes('"verdict":"allowed"'));
      if (allowed === undefined) throw new Error(`no call in ${terminal.shown()}`);
      return allowed;
    }, EVENTUALLY);
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
    await grantTo('agent3');
    const terminal = openTerminal(place(), ['tail', accountOf(people.agents[2].address)], 120);
    await terminal.sees('watching 1 account');
    await okJson('accounts', 'label', 'agent3', 'Night shift');
    await terminal.sees(/agent3 \(Night shift\) +order +label Night shift/);
    expect((await run('call', '/tools/lookup?word=owl', '--as', 'agent3', '--credit')).code).toBe(
      0,
    );
    await terminal.sees(/agent3 \(Night shift\) +lookup +\$0\.001 +allowed/);
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(130);
  });

  test('ends for an unknown account', async () => {
    expect(await errorOf(1, 'tail', accountOf(`0x${'12'.repeat(20)}`))).toMatchObject({
      code: 'unknown_account',
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
  await okJson(
    'policy',
    'set',
    'agent1',
    '--per-call',
    '$0.02',
    '--tools',
    'lookup,translate,report,summarise',
    '--operator',
  );
  const terminal = openTerminal(place(), line.split(' '), 40);
  await terminal.ended();
  const broken = terminal
    .shown()
    .split('\n')
    .filter((text) => [...text].length > 40 && text.trim().includes(' '));
  expect(broken).toEqual([]);
  expect(terminal.shown().length).toBeGreaterThan(10);
});
