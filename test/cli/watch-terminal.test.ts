import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { documentIn, pipe } from './support/command.ts';
import { emulate } from './support/emulator.ts';
import { PATIENCE, RESTORED, screenOf, textOf, useWatch } from './support/watch.ts';

const { place, run, open, fundFleet, call } = useWatch();

describe('without a terminal', () => {
  test('prints one snapshot and ends', async () => {
    await fundFleet();
    expect(await call('river')).toBe(0);
    const shows = async () => (await run('watch', '--operator')).stdout;
    await expect.poll(shows, PATIENCE).toMatch(/settled +[1-9]/);
    await expect.poll(shows, PATIENCE).toMatch(/agent1\S* .*lookup +\$0\.001 allowed/);
    const { code, stdout, stderr } = await run('watch', '--operator');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/agent1\S* .*lookup +\$0\.001 allowed/);
    expect(stdout).toMatch(/settled +[1-9]/);
    expect(stdout).toBe(stripVTControlCharacters(stdout));
    expect(await run('watch', '--once')).toMatchObject({ code: 0 });
  });

  test('names the key that would see payments, or anything at all', async () => {
    const { stdout } = await run('watch');
    expect(stdout).toContain('--operator --as <operator key>');
    const stranger = await run('watch', '--operator', '--as', 'agent8');
    expect(stranger.stdout).toContain('no operator of the gateway');
  });

  test('prints JSON: one document with --once, else one a line until it is stopped', async () => {
    const once = documentIn(await run('watch', '--json', '--once'));
    expect(once).toMatchObject({
      health: { status: 'ok' },
      decisions: { as_of: expect.any(Number), items: expect.any(Array) },
      budgets: { as_of: expect.any(Number) },
    });
    const printed = Promise.withResolvers<NodeJS.Signals>();
    const { code, stdout } = await pipe(await place(), ['watch', '--json'], '', {
      stop: printed.promise,
      // A second document each moment would show in the seconds after the first one.
      onStdout: (text) => {
        if (text.includes('\n')) setTimeout(() => printed.resolve('SIGINT'), 3_000);
      },
    });
    expect(code).toBe(130);
    const [first = '', ...more] = stdout.trim().split('\n');
    expect(JSON.parse(first)).toMatchObject({ health: { status: 'ok' } });
    expect(more.length).toBeLessThan(10);
  });

  test('exits with 3 if the gateway is not there', async () => {
    const words = ['watch', '--once', '-g', 'http://127.0.0.1:1', '--as', 'owner'];
    expect((await run(...words)).code).toBe(3);
  });
});

describe('the terminal', () => {
  test('reads keys, and draws again after a resize', async () => {
    const terminal = await open(['watch', '--operator']);
    await expect.poll(() => textOf(terminal), PATIENCE).toMatch(/settled +\d/);
    terminal.press('tab');
    await expect.poll(() => textOf(terminal), PATIENCE).toMatch(/^> Tightest budgets/m);
    terminal.type('p');
    await expect.poll(() => textOf(terminal), PATIENCE).toContain('PAUSED');
    terminal.type('p?');
    await expect.poll(() => textOf(terminal), PATIENCE).toContain('show only the agent of the row');
    terminal.type('x');
    const before = terminal.raw().length;
    terminal.resize(60, 24);
    const small = () => emulate(`\u001B[?1049h${terminal.raw().slice(before)}`, 60, 24);
    await expect
      .poll(() => small().lines.join('\n'), PATIENCE)
      .toMatch(/Settlements[^]*Tab ↑↓ choose/);
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(130);
    expect(screenOf(terminal)).toMatchObject(RESTORED);
  }, 300_000);

  test('restores the terminal when it is terminated', async () => {
    const terminal = await open(['watch']);
    await expect.poll(() => textOf(terminal), PATIENCE).toContain('gateway ok');
    terminal.kill('SIGTERM');
    expect(await terminal.ended()).toBe(130);
    const end = screenOf(terminal);
    expect(end).toMatchObject(RESTORED);
    // The message comes after the dashboard is gone, where the user sees it.
    expect(end.lines.join('\n')).toContain('Cancelled.');
  });

  test('restores the terminal when it meets a bug', async () => {
    // The clock of this run is broken, which no code expects.
    const broken = `data:text/javascript,const d=Date.prototype;let n=0;d.toISOString=function(){if(++n>40)throw new Error('bug');return '2026-11-27T00:00:00.000Z'}`;
    const terminal = await open(['watch'], { NODE_OPTIONS: `--import "${broken}"` });
    expect(await terminal.ended()).not.toBe(0);
    expect(terminal.raw()).toContain('\u001B[?1049h');
    expect(terminal.raw().lastIndexOf('\u001B[?1049l')).toBeGreaterThan(
      terminal.raw().lastIndexOf('\u001B[?1049h'),
    );
  });

  test('has no colour with NO_COLOR', async () => {
    const terminal = await open(['watch'], { NO_COLOR: '1' });
    await expect.poll(() => textOf(terminal), PATIENCE).toContain('gateway ok');
    terminal.type('q');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.raw()).not.toMatch(/\u001B\[[0-9;]*m/);
  });
});
