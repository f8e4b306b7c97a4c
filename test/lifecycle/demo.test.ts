import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { connectChain, usdcAbi } from '../../dev/stack/chain-access.ts';
import { people } from '../../dev/stack/people.ts';
import { type Launched, launchDemo } from './launch.ts';

const AGENT = people.agent.address;
/** How long a process may take to end on a slow machine. */
const GONE_MS = 30_000;

const runs: Launched[] = [];

const run = (flags: readonly string[], pauseAfter?: string): Launched => {
  const demo = launchDemo(flags, pauseAfter);
  runs.push(demo);
  return demo;
};

/** The last line that the demo prints before it stops its parts. */
const LAST_CHECK = 'refuses an injected permit';

/** Reads the chain and the upstream of a paused demo, and resumes it. */
const observe = async (demo: Launched, rpc: string, upstream: string) => {
  const chain = connectChain(rpc);
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
  const balances = [await chain.balanceOf(AGENT), await chain.balanceOf(people.payTo)];
  // The upstream is in the paused process. It answers this request first when the process resumes.
  const request = get(`${upstream}/_count`);
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  await once(request, 'finish');
  demo.resume();
  const [answer] = await answered;
  const counts = (await json(answer)) as Record<string, number>;
  return { transfers, used, counts, balances: balances.map(String) };
};

describe('npm run demo', () => {
  afterEach(() => {
    for (const demo of runs.splice(0))
      for (const { id } of demo.processes()) process.kill(id, 'SIGKILL');
  });

  it('passes its checks, and its JSON matches the chain and the upstream', async () => {
    const demo = run(['--json'], LAST_CHECK);
    await demo.paused();
    const [, rpc = ''] = await demo.prints(/^ +chain +(\S+)/m);
    const [, upstream = ''] = await demo.prints(/^ +upstream +(\S+)/m);
    const seen = await observe(demo, rpc, upstream);
    expect(await demo.closed).toBe(0);
    expect(demo.stderr()).toContain('All checks passed');

    const lines = demo.stdout().trimEnd().split('\n');
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
        // The signer's agent pays after this reading.
        payTo: { before: '0', after: '162000' },
      },
      audit: 21,
      signer: { status: 200, charged: '1000', dear: 'per_signature', permit: 'permit' },
    });
    expect(seen.balances).toEqual(['999838000', '163000']);
    expect(seen.transfers.map(({ args }) => Number(args.value)).toSorted((a, b) => a - b)).toEqual([
      1000, 1000, 1000, 20_000, 20_000, 20_000, 100_000,
    ]);
    expect(seen.counts).toMatchObject({
      translate: 3,
      lookup: 3,
      echo: 0,
      enrich: 0,
      summarise: 1,
    });
    expect(demo.stderr()).not.toContain('\u001B[');
    expect(await demo.remaining(GONE_MS)).toEqual([]);
  });

  it('ends completely on Ctrl-C', async () => {
    const demo = run([], ' 1. ');
    await demo.paused();
    demo.child.kill('SIGINT');
    demo.resume();
    expect(await demo.closed).toBe(130);
    expect(await demo.remaining(GONE_MS)).toEqual([]);
  });

  it('names the part that crashed', async () => {
    const demo = run(['--json'], ' 3. ');
    await demo.paused();
    const anvil = demo.processes().find(({ command }) => command.includes('/anvil '));
    if (anvil === undefined) throw new Error('the chain does not run');
    process.kill(anvil.id, 'SIGKILL');
    demo.resume();
    expect(await demo.closed).toBe(1);
    expect(demo.stderr()).toMatch(
      /Failed checks:\n +step \d: the chain \(anvil\) ended by SIGKILL/,
    );
    expect(demo.stdout()).toBe('');
    expect(await demo.remaining(GONE_MS)).toEqual([]);
  });

  it('rejects unknown flags and bad values by name', async () => {
    const demo = run(['--block-time', '0']);
    expect(await demo.closed).toBe(2);
    expect(demo.stderr()).toMatch(/^--block-time takes .* not '0'/);
    expect(await run(['--fast']).closed).toBe(2);
  });
});
