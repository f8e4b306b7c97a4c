import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildBundles } from './bench/bundles.ts';
import { bound, floor } from './bench/contenders.ts';
import { profileCalls, type ProfiledCalls } from './bench/profiled-calls.ts';
import { STEPS, type Step } from './bench/steps.ts';
import { newWorkspace, startUpstream } from './bench/subject.ts';
import { flagsOrExit, wholeNumber } from './command-line.ts';

/**
 * `npm run profile`: profiles bound calls of the deployed bundle and of the floor under raw workerd, one after the other, and prints what
 * each step costs. `--out` writes the gateway's CPU profile for Chrome DevTools.
 */
const USAGE =
  'npm run profile -- [--requests N] [--connections N] [--agents N] [--top N] [--out FILE] [--json]';

const readFlags = () => {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '3000' },
      connections: { type: 'string', default: '16' },
      agents: { type: 'string', default: '100' },
      top: { type: 'string', default: '0' },
      out: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    load: {
      requests: wholeNumber('requests', values.requests),
      connections: wholeNumber('connections', values.connections),
      agents: wholeNumber('agents', values.agents),
    },
    top: wholeNumber('top', values.top, 0),
    out: values.out,
    json: values.json,
  };
};

const { load, top, out, json } = flagsOrExit(USAGE, readFlags);
const workspace = newWorkspace();
const bench = { workspace, bundles: await buildBundles(workspace) };
const upstream = await startUpstream(bench, { verify: 0, settle: 0 });
const gateway = await profileCalls(bench, upstream, 'gateway', bound, load);
const least = await profileCalls(bench, upstream, 'floor', floor, load);
await upstream.stop();
if (out !== undefined) writeFileSync(out, JSON.stringify(gateway.devTools));

const row = (cells: readonly (string | number)[]): string =>
  cells
    .map((cell, at) =>
      at === 0
        ? String(cell).padEnd(18)
        : (typeof cell === 'string' ? cell : cell.toFixed(0)).padStart(13),
    )
    .join('');

const totalOf = ({ steps }: ProfiledCalls, figure: 'microseconds' | 'bytes'): number =>
  Object.values(steps).reduce((sum, cost) => sum + cost[figure], 0);

const stepRow = (step: Step): string =>
  row([
    step,
    ...[gateway, least].flatMap(({ steps }) => [steps[step].microseconds, steps[step].bytes]),
  ]);

if (json) {
  const figures = ({ cpu, steps, functions }: ProfiledCalls) => ({
    ...{ cpu, steps },
    ...(top === 0 ? {} : { functions: functions.slice(0, top) }),
  });
  console.log(JSON.stringify({ load, gateway: figures(gateway), floor: figures(least) }));
} else {
  const { requests, agents, connections } = load;
  console.log(
    `${requests} bound calls by ${agents} agents over ${connections} connections, of a call: CPU in µs, and allocated bytes of JavaScript.\n`,
  );
  console.log(row(['step', 'µs', 'bytes', 'floor, µs', 'floor, bytes']));
  for (const step of STEPS) console.log(stepRow(step));
  console.log(
    row([
      'sampled',
      ...[gateway, least].flatMap((each) => [
        totalOf(each, 'microseconds'),
        totalOf(each, 'bytes'),
      ]),
    ]),
  );
  console.log(row(['whole process', gateway.cpu, '', least.cpu]));
  if (top > 0) console.log('\n  self    µs per call  function');
  for (const { name, place, microseconds } of gateway.functions.slice(0, top)) {
    const share = `${((microseconds * 100) / totalOf(gateway, 'microseconds')).toFixed(1)} %`;
    console.log(`${share.padStart(6)}  ${microseconds.toFixed(1).padStart(12)}  ${name}  ${place}`);
  }
}
process.exit(0);
