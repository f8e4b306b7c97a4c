import { describe, expect, test } from 'vitest';
import { PATIENCE, RESTORED, screenOf, textOf, useWatch } from './support/watch.ts';
import { untilDayLasts } from '../support/day.ts';

const { world, run, open, fundFleet, call } = useWatch();

describe('the dashboard', () => {
  test('shows a paid call and a denial with its rule, survives a restart of the gateway, and restores the terminal', async () => {
    // The calls fill the window of a day, which must not end meanwhile.
    await untilDayLasts(120_000);
    await fundFleet();
    const terminal = await open(['watch']);
    await expect.poll(() => textOf(terminal), PATIENCE).toMatch(/agent1 +order +grant taken/);
    expect(screenOf(terminal)).toMatchObject({ isAlternate: true, hasCursor: false, wraps: false });
    expect(textOf(terminal)).toMatch(/Decisions {2}as of \d\d:\d\d:\d\d, \d+ s ago/);

    expect(await call('river')).toBe(0);
    await expect.poll(() => textOf(terminal), PATIENCE).toMatch(/agent1 +lookup +\$0\.001 allowed/);
    await expect
      .poll(() => textOf(terminal), PATIENCE)
      .toMatch(
        /agent1 +owner:day +#{5}\.{5} spent \$0\.001 +held \$0\.00 +\$0\.001 left resets in/,
      );
    expect(await call('otter')).toBe(0);
    expect(await call('heron')).toBe(5);
    await expect
      .poll(() => textOf(terminal), PATIENCE)
      .toMatch(/agent1 +lookup +denied +window, limit \$0\.002/);
    await expect.poll(() => textOf(terminal), PATIENCE).toMatch(/agent1 +soft_limit/);

    const { gateway } = world().stack;
    await gateway.stop();
    await expect
      .poll(() => textOf(terminal), PATIENCE)
      .toMatch(/GONE since \d\d:\d\d:\d\d \(\d+ s\)\. Nothing/);
    // What was known stays on the screen.
    expect(textOf(terminal)).toMatch(/agent1 +lookup +\$0\.001 allowed/);
    await gateway.restart();
    await expect.poll(() => textOf(terminal), PATIENCE).toMatch(/gateway ok, \d+ ms/);
    expect((await run('accounts', 'label', 'agent1', 'back again')).code).toBe(0);
    await expect.poll(() => textOf(terminal), PATIENCE).toMatch(/order +label back again/);

    terminal.type('q');
    expect(await terminal.ended()).toBe(0);
    expect(screenOf(terminal)).toMatchObject(RESTORED);
    expect(textOf(terminal).trim()).toBe('');
  }, 400_000);
});
