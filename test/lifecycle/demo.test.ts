import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connectChain } from '../../dev/stack/chain-access.ts';
import { people } from '../../dev/stack/people.ts';
import { runningProcesses } from '../../dev/stack/process-list.ts';
import { usdcAbi } from '../../dev/stack/usdc.ts';

const DEMO = join(import.meta.dirname, '../../dev/demo.ts');
const MARK = 'COUNTERSIGN_TEST_RUN';
const AGENT = people.agent.address;

const pause = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

type Run = {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly told: () => string;
  readonly ended: Promise<number | null>;
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly processes: () => readonly { readonly id: number; readonly command: string }[];
};

const runs: Run[] = [];

/** Starts `npm run demo` and observes it. */
const run = (flags: readonly string[]): Run => {
  const mark = randomUUID();
  const child = spawn(process.execPath, [DEMO, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [MARK]: mark },
  });
  const text = { out: '', told: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.told += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const started: Run = {
    child,
    out: () => text.out,
    told: () => text.told,
    ended,
    says: async (pattern) => {
      for (;;) {
        const match = pattern.exec(text.out + text.told);
        if (match !== null) return match;
        if (child.exitCode !== null) throw new Error(`ended first:\n${text.out}${text.told}`);
        await pause(10);
      }
    },
    processes: () =>
      (runningProcesses() ?? []).filter(({ id }) => {
        try {
          return readFileSync(`/proc/${id}/environ`, 'utf8').includes(mark);
        } catch {
          return false;
        }
      }),
  };
  runs.push(started);
  return started;
};

/** Lists processes that still run after the end. */
const remains = async (demo: Run): Promise<readonly string[]> => {
  const deadline = Date.now() + 4000;
  while (demo.processes().length > 0 && Date.now() < deadline) await pause(20);
  return demo.processes().map(({ command }) => command);
};

/** Observes the chain and the upstream of the demo while they answer. @returns the last observation. */
const observe = async (demo: Run, rpc: string, upstream: string) => {
  const chain = connectChain(rpc);
  const look = async () => {
    const transfers = await chain.client.getContractEvents({
      address: chain.usdc,
      abi: usdcAbi,
      eventName: 'Transfer',
      args: { to: people.payTo },
      fromBlock: 0n,
      strict: true,
    });
    const used = await chain.client.getContractEvents({
      address: chain.usdc,
      abi: usdcAbi,
      eventName: 'AuthorizationUsed',
      fromBlock: 0n,
      strict: true,
    });
    const counts = (await (await fetch(`${upstream}/_count`)).json()) as Record<string, number>;
    const balances = [await chain.balanceOf(AGENT), await chain.balanceOf(people.payTo)];
    return { transfers, used, counts, balances: balances.map(String) };
  };
  let seen = await look();
  while (demo.child.exitCode === null) {
    seen = (await look().catch(() => undefined)) ?? seen;
    await pause(100);
  }
  return seen;
};

describe('npm run demo', () => {
  afterEach(() => {
    for (const demo of runs.splice(0))
      for (const { id } of demo.processes()) process.kill(id, 'SIGKILL');
  });

  it('passes, and its results agree with an observer of the chain', async () => {
    const demo = run(['--json']);
    const [, rpc = ''] = await demo.says(/^ +chain +(\S+)/m);
    const [, upstream = ''] = await demo.says(/^ +upstream +(\S+)/m);
    const seen = await observe(demo, rpc, upstream);
    expect(await demo.ended).toBe(0);
    expect(demo.told()).toContain('All checks passed');

    const lines = demo.out().trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0] ?? '') as { paid: { payment: string; transaction: string } };
    const payment = seen.used.find(({ args }) => args.nonce === line.paid.payment);
    const transfer = seen.transfers.find(
      ({ transactionHash }) => transactionHash === payment?.transactionHash,
    );
    expect(transfer?.args).toEqual({ from: AGENT, to: people.payTo, value: 20_000n });
    expect(line).toEqual({
      paid: {
        status: 200,
        charged: '20000',
        payment: payment?.args.nonce,
        settled: true,
        transaction: transfer?.transactionHash,
      },
      replayed: { status: 200, executions: 1 },
      moved: { status: 400, type: 'urn:countersign:problem:binding-required' },
      refused: { status: 403, type: 'urn:countersign:problem:denied', rule: 'per_call' },
      credit: { toppedUp: '100000', charged: '1580', left: '98420' },
      balances: {
        agent: { before: '1000000000', after: seen.balances[0] },
        payTo: { before: '0', after: seen.balances[1] },
      },
      audit: 18,
    });
    expect(seen.balances).toEqual(['999858000', '142000']);
    expect(seen.transfers.map(({ args }) => Number(args.value)).toSorted((a, b) => a - b)).toEqual([
      1000, 1000, 20_000, 20_000, 100_000,
    ]);
    expect(seen.counts).toMatchObject({
      translate: 2,
      lookup: 2,
      echo: 0,
      enrich: 0,
      summarise: 1,
    });
    expect(demo.told()).not.toContain('\u001B[');
    expect(await remains(demo)).toEqual([]);
  });

  it('stops completely on Ctrl-C', async () => {
    const demo = run([]);
    await demo.says(/^ 1\. /m);
    demo.child.kill('SIGINT');
    expect(await demo.ended).toBe(130);
    expect(await remains(demo)).toEqual([]);
  });

  it('fails with the name of a crashed part', async () => {
    const demo = run(['--json']);
    await demo.says(/^ 3\. /m);
    const anvil = demo.processes().find(({ command }) => command.includes('/anvil '));
    process.kill(anvil?.id ?? 0, 'SIGKILL');
    expect(await demo.ended).toBe(1);
    expect(demo.told()).toMatch(/Failed checks:\n +step \d: the chain \(anvil\) ended by SIGKILL/);
    expect(demo.out()).toBe('');
    expect(await remains(demo)).toEqual([]);
  });

  it('rejects unknown flags and invalid values by name', async () => {
    const demo = run(['--block-time', '0']);
    expect(await demo.ended).toBe(2);
    expect(demo.told()).toMatch(/^--block-time takes .* not '0'/);
    expect(await run(['--fast']).ended).toBe(2);
  });
});
