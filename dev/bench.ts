import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { measureBlocks } from './bench/blocks.ts';
import { measureBreadth } from './bench/breadth.ts';
import { buildBundles } from './bench/bundles.ts';
import { chart } from './bench/chart.ts';
import { measureCompared } from './bench/compared.ts';
import { measureFlood } from './bench/flood.ts';
import { gatesOf } from './bench/gates.ts';
import { measureGrowth } from './bench/growth.ts';
import { machine, machineLine } from './bench/machine.ts';
import { measureObjects } from './bench/objects.ts';
import { type Options, type Part, readOptions } from './bench/options.ts';
import { markdown } from './bench/report.ts';
import { type Measured, type Results, STUBS } from './bench/results.ts';
import { startUpstream } from './bench/subject.ts';
import { measureReplays } from './bench/replays.ts';
import { measureTrees } from './bench/trees.ts';
import { newWorkspace } from './bench/subject.ts';
import { ROOT } from './root.ts';

/**
 * The deployed bundle in raw workerd beside its peers: the same requests, the same client, the same tool, a fresh process for each round
 * and subject, in an order that changes from round to round; and once on a real chain. A whole run writes
 * `test/bench/results/<date>.json` and `docs/bench.svg`, one of some parts `.dev/bench.json`.
 */
const readOptionsOrEnd = (): Options => {
  try {
    return readOptions(process.argv.slice(2));
  } catch (cause) {
    console.error(cause instanceof Error ? cause.message : String(cause));
    console.error(
      'npm run bench -- [--only PART]… [--rounds N] [--remembered N] [--calls N] [--json]',
    );
    process.exit(2);
  }
};

const options = readOptionsOrEnd();
const { rounds, orders, remembered, json, isWhole, has } = options;

const began = performance.now();
const say = (line: string): void => {
  console.log(`${((performance.now() - began) / 1_000).toFixed(0).padStart(4)} s  ${line}`);
};

/** One part, if it is asked for. */
const part = async (
  name: Part,
  what: string,
  measure: () => Promise<Partial<Measured>>,
): Promise<Partial<Measured>> => {
  if (!has(name)) return {};
  say(what);
  return await measure();
};

const here = machine();
say(machineLine(here));
const workspace = newWorkspace();
const bundles = await buildBundles(workspace);
const bench = { workspace, bundles };
say(
  `the gateway has ${bundles.gatewayKiB.toFixed(1)} KiB of JavaScript and ${bundles.wasmKiB.toFixed(1)} KiB of WebAssembly, gzip`,
);

// First, because it needs the most of a machine: what it lacks is known before everything else is measured.
const blocks = await part('blocks', 'a chain with blocks of two seconds', async () => ({
  blocks: await measureBlocks(bench),
}));
const upstreams = {
  instant: await startUpstream(bench, { verify: 0, settle: 0 }),
  slow: await startUpstream(bench, { verify: 100, settle: 2_000 }),
};
const { instant } = upstreams;
const measured: Partial<Measured> = {
  ...(await measureCompared(bench, upstreams, options, say)),
  ...(await part('growth', `one account remembers ${remembered} calls`, async () => ({
    growth: await measureGrowth(bench, instant, remembered),
  }))),
  ...(await part('breadth', 'gateways that hold much', async () => ({
    breadth: await measureBreadth(bench, instant),
  }))),
  ...(await part('trees', 'agents below others, and many rules', async () => ({
    trees: await measureTrees(bench, instant),
  }))),
  ...(await part('flood', 'a flood of invalid signatures', async () => ({
    flood: await measureFlood(bench, instant),
  }))),
  ...(await part('replays', 'copies of a settled payment', async () => ({
    replays: await measureReplays(bench, instant),
  }))),
  ...blocks,
};
await upstreams.instant.stop();
await upstreams.slow.stop();
const objects = await part('objects', 'objects alone', () => measureObjects(orders, say));

const results: Results = {
  date: new Date().toISOString().slice(0, 10),
  machine: here,
  rounds,
  stubs: STUBS,
  gzipKiB: bundles.gatewayKiB,
  ...measured,
  ...objects,
};
const gates = gatesOf(results);
const file = join(ROOT, isWhole ? `test/bench/results/${results.date}.json` : '.dev/bench.json');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify({ ...results, gates }, null, 2)}\n`);
if (isWhole) writeFileSync(join(ROOT, 'docs/bench.svg'), chart(results));
say('done');
console.log(`\n${markdown(results, gates)}\n`);
if (json) console.log(JSON.stringify({ gates }));
const ranAgain = results.concurrency?.some(({ replaysRun }) => replaysRun > 0) ?? false;
process.exit(ranAgain ? 1 : 0);
