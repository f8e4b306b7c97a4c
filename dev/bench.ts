import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { measureAgainst } from './bench/against.ts';
import { measureBlocks } from './bench/blocks.ts';
import { buildBundles } from './bench/bundles.ts';
import { measureCapacity, measureRelayedCapacity } from './bench/capacity.ts';
import { chart } from './bench/chart.ts';
import { measurePeers } from './bench/peers.ts';
import { measureFlood } from './bench/flood.ts';
import { gatesOf } from './bench/gates.ts';
import { measureGrowth } from './bench/growth.ts';
import { machine, machineLine } from './bench/machine.ts';
import { type Part, readOptions } from './bench/options.ts';
import { markdown, pairedTable } from './bench/report.ts';
import { type Measured, type Results, STUBS } from './bench/results.ts';
import { newWorkspace, startUpstream } from './bench/subject.ts';
import { measureSettlement } from './bench/settlement.ts';
import { measureOverMcp } from './bench/over-mcp.ts';
import { measureStreams } from './bench/streams.ts';
import { flagsOrExit, startProgress } from './command-line.ts';
import { ROOT } from './root.ts';

/**
 * `npm run bench`: compares the deployed bundle with its peers in raw workerd. All subjects get the same requests, client and tool; each
 * round starts a fresh process for each subject, in another sequence. The parts `blocks` and `settlement` run once on a local chain. A
 * complete run writes `test/bench/results/<date>.json` and `docs/bench.svg`; a run of some parts writes `.dev/bench.json`.
 */
const USAGE =
  'npm run bench -- [--only PART]… [--rounds N] [--remembered N] [--rate N] [--against REVISION] [--json]';

const options = flagsOrExit(USAGE, () => readOptions(process.argv.slice(2)));
const { rounds, remembered, perSecond, against, json, isWhole, has } = options;
const print = startProgress();

/** Seconds that each part took. The rounds of verifiers and calls alternate, so these parts count as one. */
const seconds: Record<string, number> = {};

const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
  const began = performance.now();
  const result = await work();
  seconds[name] = Math.round((performance.now() - began) / 1_000);
  return result;
};

/** Runs one part, if it is selected. */
const part = async (
  name: Part,
  description: string,
  measure: () => Promise<Partial<Measured>>,
): Promise<Partial<Measured>> => {
  if (!has(name)) return {};
  print(`Measuring ${description}.`);
  return await timed(name, measure);
};

const here = machine();
print(machineLine(here));
const workspace = newWorkspace();
const bundles = await buildBundles(workspace);
const bench = { workspace, bundles };
print(
  `The gateway has ${bundles.gatewayKiB.toFixed(1)} KiB of JavaScript and ${bundles.wasmKiB.toFixed(1)} KiB of WebAssembly, gzip.`,
);

if (against !== undefined) {
  const upstream = await startUpstream(bench, { verify: 0, settle: 0 });
  const pairs = await measureAgainst(bench, upstream, { revision: against, blocks: rounds }, print);
  await upstream.stop();
  console.log(`\n${json ? JSON.stringify({ against: pairs }) : pairedTable(pairs)}\n`);
  process.exit(0);
}

// These two parts run first: they load the machine most, so a machine that is too slow fails early.
const blocks = await part('blocks', 'payments on a chain with blocks of two seconds', async () => ({
  blocks: await measureBlocks(bench),
}));
const settlement = await part('settlement', 'what settles while it is sold', async () => ({
  settlement: await measureSettlement(bench, perSecond, print),
}));
const upstreams = {
  instant: await startUpstream(bench, { verify: 0, settle: 0 }),
  slow: await startUpstream(bench, { verify: 100, settle: 2_000 }),
};
const { instant } = upstreams;
const hasPeers = (['verification', 'calls', 'concurrency'] as const).some(has);
const measured: Partial<Measured> = {
  ...(hasPeers ? await timed('peers', () => measurePeers(bench, upstreams, options, print)) : {}),
  ...(await part('growth', `an account that remembers ${remembered} calls`, async () => ({
    growth: await measureGrowth(bench, instant, remembered),
  }))),
  ...(await part('flood', 'a flood of invalid signatures', async () => ({
    flood: await measureFlood(bench, instant),
  }))),
  ...(await part('mcp', 'calls over MCP', async () => ({
    mcp: await measureOverMcp(bench, instant),
  }))),
  ...(await part('streams', 'streams with and without a meter', async () => ({
    streams: await measureStreams(bench, instant),
  }))),
  ...(await part('capacity', 'how much load the gateway bears', async () => ({
    capacity: await measureCapacity(bench, instant),
    relayedCapacity: await measureRelayedCapacity(bench, print),
  }))),
  ...blocks,
  ...settlement,
};
await upstreams.instant.stop();
await upstreams.slow.stop();

const results: Results = {
  date: new Date().toISOString().slice(0, 10),
  machine: here,
  rounds,
  seconds,
  stubs: STUBS,
  gzipKiB: bundles.gatewayKiB,
  ...measured,
};
const gates = gatesOf(results);
const file = join(ROOT, isWhole ? `test/bench/results/${results.date}.json` : '.dev/bench.json');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify({ ...results, gates }, null, 2)}\n`);
if (isWhole) writeFileSync(join(ROOT, 'docs/bench.svg'), chart(results));
print('Done.');
console.log(`\n${markdown(results, gates)}\n`);
if (json) console.log(JSON.stringify({ gates }));
const ranAgain = results.concurrency?.some(({ replaysRun }) => replaysRun > 0) ?? false;
process.exit(ranAgain ? 1 : 0);
