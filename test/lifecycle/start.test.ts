import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { freePort, portTaken } from '../../dev/stack/loopback.ts';
import { launchAsChild, type Launched, launchStart } from './launch.ts';

/** How long a process may take to end on a slow machine. */
const GONE_MS = 30_000;

describe('npm start', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  let count = 0;
  const started: Launched[] = [];
  const flagsFor = async (): Promise<{ file: string; flags: string[] }> => {
    count += 1;
    const file = join(directory, `stack-${count}.json`);
    return { file, flags: ['--json', '--file', file, '--port', String(await freePort())] };
  };
  const start = (flags: readonly string[], how = launchStart): Launched => {
    const launched = how(flags);
    started.push(launched);
    return launched;
  };
  const find = (launched: Launched, pattern: RegExp) =>
    launched.processes().filter(({ command }) => pattern.test(command));
  const crash = (launched: Launched, pattern: RegExp): void => {
    const [victim] = find(launched, pattern);
    if (victim === undefined) throw new Error(`${pattern.source} does not run`);
    process.kill(victim.id, 'SIGKILL');
  };

  afterEach(() => {
    for (const launched of started.splice(0))
      for (const { id } of launched.processes()) process.kill(id, 'SIGKILL');
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('prints its description, keeps its port from another start, and ends completely on Ctrl-C', async () => {
    const { file, flags } = await flagsFor();
    const stack = start(flags);
    const description = await stack.ready();
    expect(stack.stdout().trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(description);
    expect(description).toMatchObject({
      audience: description.gateway,
      chainId: 84532,
      usdc: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
    });
    expect(description.agents).toHaveLength(8);
    expect(description.tools.map(({ id, method, price }) => `${id} ${method} ${price}`)).toEqual([
      'lookup GET $0.001',
      'translate POST $0.02',
      'report POST $0.05',
      'enrich POST $15.00',
      'notarise POST $0.01',
      'summarise POST $0.05',
      'whoami GET $0',
      'echo * $0.001',
      'flaky GET $0.01',
      'stream GET $0.01',
    ]);
    expect(description.tools[7]?.url).toBe(`${description.gateway}/tools/echo/`);
    expect((await fetch(`${description.gateway}/healthz`)).status).toBe(200);
    expect(find(stack, /\/anvil /)).toHaveLength(1);
    expect(find(stack, /\/workerd /)).toHaveLength(1);
    expect(find(stack, /reaper\.ts/)).toHaveLength(1);
    expect(stack.stderr()).toMatch(/chain +http.* ms\n[^]*gateway +http.* ms\n/);

    const { port } = new URL(description.gateway);
    const other = start(['--port', port]);
    expect(await other.closed).toBe(1);
    expect(other.stderr()).toContain(`port ${port} is taken`);

    stack.child.kill('SIGINT');

    expect(await stack.ended).toBe(0);
    expect(await stack.remaining(GONE_MS)).toEqual([]);
    expect(existsSync(file)).toBe(false);
    const parts = [
      description.gateway,
      description.rpc,
      description.facilitator,
      description.upstream,
    ];
    const taken = await Promise.all(parts.map((url) => portTaken(Number(new URL(url).port))));
    expect(taken).toEqual([false, false, false, false]);
  });

  it('ends completely on Ctrl-C while it starts', async () => {
    const { flags } = await flagsFor();
    const stack = start(flags, (all) => launchStart(all, 'upstream '));
    await stack.paused();
    stack.child.kill('SIGINT');
    stack.resume();
    expect(await stack.closed).toBe(0);
    expect(await stack.remaining(GONE_MS)).toEqual([]);
    expect(stack.stdout()).toBe('');
    expect(stack.stderr()).not.toMatch(/could not start/);
  });

  it('ends when its parent is killed', async () => {
    const { flags } = await flagsFor();
    const stack = start(flags, launchAsChild);
    await stack.ready();
    stack.child.kill('SIGKILL');
    expect(await stack.ended).toBe('SIGKILL');
    expect(await stack.remaining(GONE_MS)).toEqual([]);
  });

  it('ends with an error when the chain crashes', async () => {
    const { flags } = await flagsFor();
    const stack = start(flags);
    await stack.ready();
    crash(stack, /\/anvil /);
    expect(await stack.closed).toBe(1);
    expect(stack.stderr()).toMatch(/^the chain \(anvil\) ended by SIGKILL/m);
    expect(await stack.remaining(GONE_MS)).toEqual([]);
  });

  it('survives three crashes of the gateway, wherever they happen, and ends with an error at the fourth', async () => {
    const { flags } = await flagsFor();
    const stack = start(flags);
    const { gateway } = await stack.ready();
    const victims = [/runtime-program\.ts/, /\/workerd /, /runtime-program\.ts/];
    for (const [index, pattern] of victims.entries()) {
      crash(stack, pattern);
      await stack.prints(new RegExp(`runs again with its state \\(crash ${index + 1} of 3`));
      expect((await fetch(`${gateway}/healthz`)).status).toBe(200);
    }
    crash(stack, /\/workerd /);
    expect(await stack.closed).toBe(1);
    expect(stack.stderr()).toMatch(/^the gateway ended by SIGKILL/m);
    expect(await stack.remaining(GONE_MS)).toEqual([]);
  });

  it('can run next to a second stack and outlive it, and leaves no process behind when it is killed', async () => {
    const first = start(['--json']);
    const one = await first.ready();
    const second = start(['--json', '--block-time', '1']);
    const two = await second.ready();
    expect(two.gateway).not.toBe(one.gateway);
    const files = JSON.parse(
      readFileSync(
        join(import.meta.dirname, `../../.dev/stack-${new URL(two.gateway).port}.json`),
        'utf8',
      ),
    ) as unknown;
    expect(files).toEqual(two);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    expect(await second.remaining(GONE_MS)).toEqual([]);
    expect((await fetch(`${one.gateway}/healthz`)).status).toBe(200);

    expect(first.processes().length).toBeGreaterThan(4);
    first.child.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    expect(await first.remaining(GONE_MS)).toEqual([]);
  });

  it('rejects unknown flags and bad values by name', async () => {
    const cases = [
      [['--prot', '1'], '--prot'],
      [['--port', '65536'], '--port'],
      [['more'], 'more'],
    ] as const;
    for (const [words, message] of cases) {
      const wrong = start(words);
      expect(await wrong.closed).toBe(2);
      expect(wrong.stderr()).toContain(message);
      expect(await wrong.remaining(GONE_MS)).toEqual([]);
    }
    const help = start(['--help']);
    expect(await help.closed).toBe(0);
    expect(help.stdout()).toContain('--block-time N');
  });
});
