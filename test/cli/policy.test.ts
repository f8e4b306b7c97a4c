import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { useManagement } from './support/management.ts';

const { place, run, okJson, errorOf, file, grantTo } = useManagement();

/** The command may run between two calls, so tests repeat it until a call is running. */
const MEETS_A_CALL = { timeout: 90_000, interval: 200 };

describe('policies', () => {
  test('change only in the fields that flags name', async () => {
    await grantTo('agent1');
    const policy = async () => (await okJson('policy', 'get', 'agent1'))['policy'];
    await errorOf(1, 'policy', 'get', 'agent1');
    await okJson(
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
    await okJson('policy', 'set', 'agent1', '--per-day', '$0.20', '--per-call', '$0.01');
    expect(await policy()).toMatchObject({
      perCall: '$0.01',
      rate: { limit: 60, seconds: 60 },
      tools: ['lookup', 'search.*'],
      windows: [{ every: 'day', limit: '$0.20' }],
    });
    await okJson('policy', 'set', 'agent1', '--rate', 'none', '--until', '2099-12-31');
    expect(await policy()).toMatchObject({ validUntil: 4_102_358_400 });
    expect(await policy()).not.toHaveProperty('rate');
    expect(await okJson('policy', 'set', 'agent1', '--per-call', '$0.01')).toMatchObject({
      changed: false,
      differences: [],
    });
  });

  test('are not overwritten when another writer changed them', async () => {
    await grantTo('agent2');
    const { etag } = await okJson('policy', 'set', 'agent2', '--per-day', '$0.10');
    await okJson('policy', 'set', 'agent2', '--per-day', '$0.20');
    const command = ['policy', 'set', 'agent2', '--per-day', '$0.30', '--if-match', String(etag)];
    const error = await errorOf(1, ...command);
    expect(error).toMatchObject({ code: 'precondition_failed' });
    expect(String(error['hint'])).toContain('policy diff');
    expect((await run(...command)).stderr).toContain('Another writer changed this policy');
    expect(await okJson('policy', 'get', 'agent2')).toMatchObject({
      policy: { windows: [{ limit: '$0.20' }] },
    });
    expect(
      await errorOf(1, 'policy', 'delete', 'agent2', '--if-match', String(etag)),
    ).toMatchObject({
      code: 'precondition_failed',
    });
    expect(await okJson('policy', 'delete', 'agent2')).toMatchObject({ changed: true });
    expect(await okJson('policy', 'delete', 'agent2')).toMatchObject({ changed: false });
  });

  test('round-trip through a file, with a diff in dollars', async () => {
    await grantTo('agent3');
    await okJson('policy', 'set', 'agent3', '--lifetime', '$2', '--alert', '50');
    const path = join(place().directory, 'policy.json');
    await okJson('policy', 'get', 'agent3', '-o', path);
    const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await file('policy.json', { ...document, lifetime: '$2.50' });
    const { stdout } = await run('policy', 'diff', 'agent3', path);
    expect(stdout).toBe('~ in total  $2.00 → $2.50\n');
    expect(await okJson('policy', 'set', 'agent3', path)).toMatchObject({ changed: true });
    expect((await run('policy', 'diff', 'agent3', path)).stdout).toContain('same');
    // Ignoring an unknown field would remove a limit without notice, so the command rejects it before it sends anything.
    expect(
      await errorOf(2, 'policy', 'set', 'agent3', await file('bad.json', { perDay: '$1' })),
    ).toMatchObject({
      code: 'malformed_policy',
    });
    expect(
      await errorOf(
        2,
        'policy',
        'set',
        'agent3',
        await file('twice.json', '{"perCall":"$1","perCall":"$2"}'),
      ),
    ).toMatchObject({ code: 'usage' });
  });

  test('do not change on a dry run', async () => {
    await grantTo('agent4');
    expect(
      await okJson('policy', 'set', 'agent4', '--per-day', '$0.10', '--dry-run'),
    ).toMatchObject({
      dry_run: true,
      in_flight: { held: 0, cut_off: 0 },
    });
    expect(await errorOf(1, 'policy', 'get', 'agent4')).toMatchObject({ code: 'unknown_document' });
    // Keeps a call running that the new policy would deny. Each call hangs until the tool's timeout.
    let over = false;
    const running = (async () => {
      while (!over) await run('call', '/tools/flaky?hang=1', '--as', 'agent4', '--credit');
    })();
    onTestFinished(async () => {
      over = true;
      await running;
    });
    const command = ['policy', 'set', 'agent4', '--per-call', '$0.001', '--dry-run'];
    await expect
      .poll(async () => await okJson(...command), MEETS_A_CALL)
      .toMatchObject({ in_flight: { held: 1, cut_off: 1 } });
    await expect
      .poll(async () => (await run(...command)).stdout, MEETS_A_CALL)
      .toContain('1 call running now; the policy would have denied 1, which may end');
  }, 240_000);

  test("of the operator are out of the owner's reach", async () => {
    await grantTo('agent5');
    expect(
      await okJson('policy', 'set', 'agent5', '--per-call', '$0.02', '--operator'),
    ).toMatchObject({ slot: 'operator' });
    expect(await errorOf(1, 'policy', 'get', 'agent5')).toMatchObject({ code: 'unknown_document' });
    expect(
      await errorOf(
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
