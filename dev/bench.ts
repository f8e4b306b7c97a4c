import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureBreadth } from './bench/breadth.ts';
import { buildBundles } from './bench/bundles.ts';
import { ENTRANTS, measureEntrant, type Result } from './bench/calls.ts';
import { chart } from './bench/chart.ts';
import { type Concurrency, measureConcurrency } from './bench/concurrency.ts';
import { gatesOf } from './bench/gates.ts';
import { measureGrowth } from './bench/growth.ts';
import { machine, machineLine } from './bench/machine.ts';
import { measureObjects } from './bench/objects.ts';
import { markdown } from './bench/report.ts';
import { cellFigures, type Results, STUBS, verifierFigures } from './bench/results.ts';
import { startUpstream } from './bench/subject.ts';
import {
  measureVerifier,
  signMessages,
  type Verification,
  VERIFIERS,
} from './bench/verification.ts';
import { newWorkspace } from './bench/workspace.ts';
import { ROOT } from './gateway-files.ts';

/**
 * The deployed bundle in raw workerd beside its peers: the same requests, the same client, the same tool, a fresh process for each round
 * and subject, in an order that changes from round to round. Writes `test/bench/results/<date>.json` and `docs/bench.svg`.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    calls: { type: 'string', default: '10' },
    remembered: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
});

const whole = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} must be a whole number from 1, and is ${text}`);
};

const rounds = whole('rounds', values.rounds);
const orders = { rounds, calls: whole('calls', values.calls) };
const remembered = whole('remembered', values.remembered);

const began = performance.now();
const say = (line: string): void => {
  console.log(`${((performance.now() - began) / 1_000).toFixed(0).padStart(4)} s  ${line}`);
};

/** The list from another place on each round: nobody is always the first. */
const turned = <T>(list: readonly T[], round: number): readonly T[] => {
  const start = round % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
};

const here = machine();
say(machineLine(here));
const workspace = newWorkspace();
const bundles = await buildBundles(workspace);
const bench = { workspace, bundles };
say(`the gateway has ${bundles.gatewayKiB.toFixed(1)} KiB gzip`);
const upstreams = {
  instant: await startUpstream(bench, { verify: 0, settle: 0 }),
  slow: await startUpstream(bench, { verify: 100, settle: 2_000 }),
};

const messages = signMessages();
const verified: Verification[] = [];
const called: Result[] = [];
const concurrency: Concurrency[] = [];
for (let round = 0; round < rounds; round += 1) {
  const name = `round ${round + 1} of ${rounds}`;
  for (const verifier of turned(VERIFIERS, round)) {
    const figures = await measureVerifier(bench, verifier, messages);
    verified.push(figures);
    say(
      `${name}: ${verifier.name}: ${figures.hotMany.toFixed(0)} µs hot, ${figures.first.toFixed(0)} µs first`,
    );
  }
  for (const entrant of turned(ENTRANTS, round)) {
    const results = await measureEntrant(bench, upstreams, entrant);
    called.push(...results);
    const cells = results.map(({ measured }) => measured.cpuPerRequest.toFixed(0)).join(' ');
    say(`${name}: ${entrant.name}: ${cells} µs a call`);
  }
  const atOnce = await measureConcurrency(bench, upstreams.instant);
  concurrency.push(atOnce);
  say(`${name}: ${atOnce.accepted} of ${atOnce.sent} at once, ${atOnce.replaysRun} ran again`);
}
say(`one account remembers ${remembered} calls`);
const growth = await measureGrowth(bench, upstreams.instant, remembered);
say('gateways that hold much');
const breadth = await measureBreadth(bench, upstreams.instant);
await upstreams.instant.stop();
await upstreams.slow.stop();
const { tree, rows } = await measureObjects(orders, say);

const results: Results = {
  date: new Date().toISOString().slice(0, 10),
  machine: here,
  rounds,
  stubs: STUBS,
  gzipKiB: bundles.gatewayKiB,
  verification: verifierFigures(verified),
  calls: cellFigures(called),
  concurrency,
  growth,
  breadth,
  rows,
  tree,
};
const gates = gatesOf(results);
const directory = join(ROOT, 'test/bench/results');
mkdirSync(directory, { recursive: true });
const file = join(directory, `${results.date}.json`);
writeFileSync(file, `${JSON.stringify({ ...results, gates }, null, 2)}\n`);
writeFileSync(join(ROOT, 'docs/bench.svg'), chart(results));
say('done');
console.log(`\n${markdown(results, gates)}\n`);
if (values.json) console.log(JSON.stringify({ gates }));
const ranAgain = concurrency.some(({ replaysRun }) => replaysRun > 0);
process.exit(ranAgain ? 1 : 0);
