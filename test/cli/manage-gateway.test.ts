import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { entryText } from '../../src/audit/entry.ts';
import { ALICE, history } from '../unit/audit/history.ts';
import { documentIn, pipe } from './support/command.ts';
import { withEnv } from './support/home.ts';
import { EVENTUALLY, useManagement } from './support/management.ts';
import { openTerminal } from './support/terminal.ts';

const { place, run, okJson, errorOf, file, grantTo } = useManagement();

describe('an operator', () => {
  test('applies a file after a preview and a confirmation', async () => {
    const { tools } = (await okJson('tools', 'list')) as {
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
    const unconfirmed = await run('apply', path);
    expect(unconfirmed.code).toBe(2);
    expect(unconfirmed.stderr).toContain('--yes');
    expect(unconfirmed.stdout).toMatch(
      /- translate\n~ lookup\n +price {2}\$0\.001 → \$0\.002\n\+ lookup2/,
    );

    const terminal = openTerminal(place(), ['apply', path]);
    await terminal.sees('Apply 3 changes?');
    terminal.press('enter');
    expect(await terminal.ended()).toBe(130);
    expect(await okJson('tools', 'get', 'lookup')).toMatchObject({ tool: { price: '$0.001' } });

    expect(await okJson('apply', path, '--yes')).toMatchObject({
      applied: ['translate', 'lookup', 'lookup2'],
      raced: [],
    });
    expect(await okJson('tools', 'get', 'lookup')).toMatchObject({ tool: { price: '$0.002' } });
    expect(await errorOf(1, 'tools', 'get', 'translate')).toMatchObject({ code: 'unknown_tool' });
    expect((await run('apply', path)).stdout).toContain('same');
    expect(
      await okJson('apply', await file('all.json', { tools: all }), '--yes', '--keep'),
    ).toMatchObject({
      applied: ['lookup', 'translate'],
    });
    expect(await okJson('tools', 'remove', 'lookup2')).toMatchObject({ changed: true });
    expect(
      await errorOf(2, 'apply', await file('none.json', { tools: [{ id: 'x' }] }), '--yes'),
    ).toMatchObject({ code: 'usage' });
  });

  test('overwrites no tool that changed during the confirmation', async () => {
    const { tools } = (await okJson('tools', 'list')) as {
      tools: { id: string; tool: Record<string, unknown> }[];
    };
    const all = tools.map(({ tool }) => tool);
    const changed = (id: string, fields: object) =>
      all.map((tool) => (tool['id'] === id ? { ...tool, ...fields } : tool));
    const path = await file('mine.json', { tools: changed('report', { price: '$0.06' }) });
    const terminal = openTerminal(place(), ['apply', path]);
    await terminal.sees('Apply 1 change?');
    const theirs = changed('report', { price: '$0.07' }).find((tool) => tool['id'] === 'report');
    await okJson('tools', 'put', await file('theirs.json', theirs));
    terminal.type('y');
    await terminal.sees(/raced {2}report/);
    expect(await terminal.ended()).toBe(1);
    expect(await okJson('tools', 'get', 'report')).toMatchObject({ tool: { price: '$0.07' } });
    await okJson('apply', await file('all.json', { tools: all }), '--yes');
  });

  test('disables and enables a tool', async () => {
    expect(await okJson('tools', 'disable', 'echo')).toMatchObject({ changed: true });
    expect((await run('tools', 'list')).stdout).toMatch(/echo +\$0\.001 +deferred +disabled/);
    expect(await okJson('tools', 'disable', 'echo')).toMatchObject({ changed: false });
    expect(await okJson('tools', 'enable', 'echo')).toMatchObject({ changed: true });
    expect(await errorOf(4, 'tools', 'list', '--as', 'owner')).toMatchObject({ code: 'forbidden' });
  });

  test('adds and takes credit', async () => {
    const { address } = people.agents[7];
    await okJson('credits', 'top-up', '$0.01', '--as', 'agent8');
    const given = await okJson(
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
      await okJson('credits', 'adjust', 'agent8', '--take', '$0.05', '--reason', 'ticket 7'),
    ).toMatchObject({ amount: '-50000' });
    expect(
      await errorOf(1, 'credits', 'adjust', 'agent8', '--take', '$500', '--reason', 'all'),
    ).toMatchObject({ code: 'credit_too_low' });
    expect((await run('credits', 'show', '--as', 'agent8')).stdout).toMatch(/credit +\$0\./);
    expect(await errorOf(2, 'credits', 'adjust', 'agent8', '--give', '$1')).toMatchObject({
      code: 'usage',
    });
    expect(await errorOf(2, 'credits', 'refund', 'agent8', 'no hash')).toMatchObject({
      code: 'usage',
    });
  });

  test('reads settlements, accounts and the spend of the gateway', async () => {
    expect((await run('call', '/tools/lookup?word=river', '--as', 'agent7')).code).toBe(0);
    const { address } = people.agents[6];
    const list = async () =>
      (await okJson('settlements', 'list', '--account', address))['settlements'] as {
        call: string;
        state: string;
      }[];
    await expect.poll(list, EVENTUALLY).not.toHaveLength(0);
    const [first] = await list();
    const story = await run('settlements', 'show', address, first?.call ?? '');
    expect(story.stdout).toMatch(/state +(open|settled)/);
    expect(story.stdout).toContain('call.accepted');
    expect(await errorOf(2, 'settlements', 'write-off', address, first?.call ?? '')).toMatchObject({
      code: 'usage',
    });
    expect((await run('settlements', 'letters')).stdout).toContain('none');
    expect(await okJson('settlements', 'backends')).toMatchObject({
      backends: expect.any(Array) as unknown[],
      relayers: expect.any(Array) as unknown[],
    });
    const revenue = async () =>
      (await run('settlements', 'export')).stdout
        .split('\r\n')
        .filter((row) => row.includes(',revenue,lookup,'));
    await expect.poll(revenue, EVENTUALLY).not.toHaveLength(0);
    // No cron trigger has run on this stack.
    expect((await run('settlements', 'reconcile')).stdout).toContain('No reconciliation yet');
    expect(await okJson('settlements', 'reconcile')).toMatchObject({
      ...{ reconciliations: [], differences: [] },
    });
    expect((await run('accounts', 'list')).stdout).toContain('eip155:84532:');
    expect(await okJson('spend', '--operator', '--by', 'agent')).toMatchObject({
      scope: 'gateway',
      by: 'agent',
    });
    expect(await errorOf(2, 'spend', '--from', '2026-02-31')).toMatchObject({ code: 'usage' });
  });

  test('lists, shows and refunds calls', async () => {
    expect((await run('call', '/tools/lookup?word=lake', '--as', 'agent6')).code).toBe(0);
    const { address } = people.agents[5];
    const list = async () =>
      (await okJson('calls', 'list', '--account', address))['calls'] as { call: string }[];
    await expect.poll(list, EVENTUALLY).not.toHaveLength(0);
    const call = (await list())[0]?.call ?? '';
    const refund = ['calls', 'refund', address, call, '--reason', 'ticket 9'];
    expect(await errorOf(2, ...refund.slice(0, 4))).toMatchObject({ code: 'usage' });
    const part = async () => await run(...refund, '--amount', '0.0004');
    await expect.poll(async () => (await part()).code, EVENTUALLY).toBe(0);
    const rest = await okJson(...refund);
    expect(rest).toMatchObject({ amount: '600', refunded: '1000', charged: '1000' });
    expect(await errorOf(1, ...refund)).toMatchObject({ code: 'not_writable' });
    const shown = async () => (await run('calls', 'show', address, call, '--operator')).stdout;
    await expect.poll(shown, EVENTUALLY).toMatch(/refunded +\$0\.001/);
    expect((await run('calls', 'list', '--account', address)).stdout).toContain('REFUNDED');
  });

  test('creates, changes, lists and removes webhooks', async () => {
    const put = ['webhooks', 'add', 'pager', 'https://ops.example/alerts', '--operator'];
    expect(await okJson(...put, '--events', 'debt,breaker')).toMatchObject({ changed: true });
    expect(await okJson(...put, '--events', 'debt')).toMatchObject({ changed: true });
    expect(await okJson('webhooks', 'list', '--operator')).toMatchObject({
      webhooks: [{ id: 'pager', events: ['debt'], state: 'active' }],
    });
    expect(await errorOf(2, ...put, '--events', 'everything')).toMatchObject({ code: 'usage' });
    expect((await run('webhooks', 'log', 'pager', '--operator')).stdout).toContain(
      'No delivery yet',
    );
    expect(await okJson('webhooks', 'remove', 'pager', '--operator')).toMatchObject({
      changed: true,
    });
    expect(await errorOf(1, 'webhooks', 'remove', 'pager', '--operator')).toMatchObject({
      code: 'unknown_document',
    });
  });
});

describe('webhooks for people', () => {
  test('takes a Slack URL, shows it to nobody, and replaces no webhook by accident', async () => {
    const url = 'https://hooks.slack.example/services/T0/B0/hunter2';
    const add = ['webhooks', 'add', '--slack', url, '--operator'];
    const added = await okJson(...add);
    expect(added).toMatchObject({ name: 'slack', format: 'slack', changed: true });
    expect(await errorOf(2, ...add)).toMatchObject({ code: 'usage' });
    expect(await okJson('webhooks', 'add', 'slack', ...add.slice(2))).toMatchObject({
      changed: false,
    });
    const listed = await run('webhooks', 'list', '--operator');
    expect(listed.stdout).toContain('Slack, https://hooks.slack.example/…');
    expect(JSON.stringify([added, listed])).not.toContain('hunter2');
    await okJson('webhooks', 'remove', 'slack', '--operator');
  });

  test('takes the token of an e-mail provider from the environment or standard input', async () => {
    const add = ['webhooks', 'add', '--email', 'me@example.com', '--operator', '--json'];
    const from = ['--from', 'Alerts <alerts@example.com>'];
    expect((await pipe(place(), add)).code).toBe(2);
    const given = await pipe(place(), [...add, ...from], 're_hunter2\n');
    expect(documentIn(given)).toMatchObject({ name: 'email', format: 'email', changed: true });
    const known = withEnv(place(), { COUNTERSIGN_EMAIL_TOKEN: 're_hunter2' });
    const again = await pipe(known, ['webhooks', 'add', 'email', ...add.slice(2), ...from]);
    expect(documentIn(again)).toMatchObject({ changed: false });
    const listed = await run('webhooks', 'list', '--operator');
    expect(listed.stdout).toMatch(/email +active +all +me@example\.com/);
    await okJson('webhooks', 'remove', 'email', '--operator');
  });
});

describe('a log', () => {
  test('verifies offline after an export, unless it was altered', async () => {
    await grantTo('agent2');
    expect((await run('call', '/tools/lookup?word=river', '--as', 'agent2', '--credit')).code).toBe(
      0,
    );
    const path = join(place().directory, 'log.ndjson');
    const exported = async () => {
      expect(await okJson('audit', 'export', 'agent2', '-o', path)).toMatchObject({ file: path });
      return await readFile(path, 'utf8');
    };
    await expect.poll(exported, EVENTUALLY).toMatch(/"price":"1000"[^]*"call\.finished"/);
    expect(await readdir(place().directory)).not.toContainEqual(expect.stringContaining('draft'));
    const offline = withEnv(place(), { COUNTERSIGN_GATEWAY: 'http://127.0.0.1:1' });
    const verified = documentIn(await pipe(offline, ['audit', 'verify', path, '--json']));
    expect(verified).toMatchObject({ v: 1, accounts: 1 });
    const checkOf = (report: Record<string, unknown>, id: string) =>
      (report['checks'] as readonly { check: string; checked: number }[]).find(
        ({ check }) => check === id,
      );
    expect(checkOf(verified, 'chain')).toMatchObject({ verdict: 'proved' });
    // The export has at least two signatures: of the grant and of the call's intent.
    expect(checkOf(verified, 'signatures')?.checked).toBeGreaterThan(1);
    const shown = await pipe(offline, ['audit', 'verify', path]);
    // Without a log, nothing proves where the chain ends.
    expect(shown.code).toBe(4);
    expect(shown.stdout).toMatch(/^OPEN {2}entries may be missing/);
    expect(shown.stdout).toMatch(/^signatures +proved/m);
    const text = await readFile(path, 'utf8');
    const broken = async (changed: string, ...more: readonly string[]) => {
      await writeFile(path, changed);
      const ended = await pipe(offline, ['audit', 'verify', path, '--json', ...more]);
      expect(ended.code).toBe(1);
      return documentIn(ended);
    };
    const cheaper = await broken(text.replace('"price":"1000"', '"price":"1"'));
    expect(checkOf(cheaper, 'chain')).toMatchObject({
      first: { reason: expect.stringMatching(/^(altered|unlinked)$/) as string },
    });
    const shorter = await broken(text.split('\n').toSpliced(1, 1).join('\n'));
    expect(checkOf(shorter, 'chain')).toMatchObject({ first: { reason: 'gap', seq: 3 } });
    const zeros = `0x${'00'.repeat(32)}`;
    const other = await broken(text, '--contains', zeros);
    expect(checkOf(other, 'contains')).toMatchObject({ first: { reason: 'not_found' } });
    // An intact chain with an unsigned entry.
    const unsigned = history(ALICE, [{ type: 'tool.put', at: 1, outcome: { name: 'lookup' } }]);
    const invented = await broken(`${unsigned.map(entryText).join('\n')}\n`);
    expect(checkOf(invented, 'signatures')).toMatchObject({
      first: { line: 1, seq: 1, field: 'evidence', reason: 'missing' },
    });
    const calls = await run('audit', 'export', 'agent2', '--format', 'csv');
    expect(calls.stdout).toMatch(/^kind,time,.*\ncall,.*,lookup,committed,/s);
  });
});
