import { beforeEach, describe, expect, test } from 'vitest';
import { useWorld } from '../conformance/support/world.ts';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { putStackFile } from './support/stack.ts';

const world = useWorld();
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = withEnv(await putStackFile(world(), home()), { COUNTERSIGN_PASSWORD: PASSWORD });
});

const run = async (words: readonly string[]): Promise<Ran> => await pipe(place, words);

const PATIENCE = { timeout: 60_000, interval: 500 };

describe('audit rebuild', () => {
  test('refuses a gateway that takes calls, and finds the lists of a paused one equal to its log', async () => {
    const data = JSON.stringify({ text: 'Once.' });
    const paid = await run(['call', '/tools/report', '-d', data, '--as', 'agent', '--json']);
    expect(paid.code, paid.stderr).toBe(0);
    const { call } = documentIn(paid) as { call: string };
    await expect
      .poll(async () => (await run(['calls', 'show', 'agent', call, '--operator'])).code, PATIENCE)
      .toBe(0);

    const refused = await run(['audit', 'rebuild']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('PAUSED');
    const { gateway } = world().stack;
    await gateway.restart({ PAUSED: 'true' });

    const checked = await run(['audit', 'rebuild', '--json']);
    expect(checked.code, checked.stderr).toBe(0);
    expect(documentIn(checked)).toMatchObject({ state: 'ended', verdict: 'equal', tables: [] });

    const shown = await run(['audit', 'rebuild', '--apply']);
    expect(shown.code, shown.stderr).toBe(0);
    expect(shown.stdout).toMatch(/^equal {2}\d+ entries of \d+ accounts? read/);
  });

  test('is for operators', async () => {
    const refused = await run(['audit', 'rebuild', '--as', 'agent']);
    expect(refused.code).toBe(4);
  });
});
