import { ENTRANT } from './bench/calls.ts';
import type { Results } from './bench/results.ts';
import { flagsOrExit, wholeNumber } from './command-line.ts';
import type { Cpu } from './cost/bill.ts';
import { limitsOf } from './cost/scale.ts';
import { filled, type Measurement, tablesOf } from './cost/tables.ts';
import { ROOT } from './root.ts';
import { runProject } from './run-project.ts';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { CostOptions } from '../test/cost/counts.ts';

/** `npm run cost`: counts the billed operations of a paid call and their price. `--write` updates the tables of `docs/cost.md`. */
const USAGE = 'npm run cost -- [--calls N] [--write] [--json]';

const readFlags = () => {
  const { values } = parseArgs({
    options: {
      calls: { type: 'string', default: '1024' },
      write: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  // With more calls, the account would prune the first ones during the run.
  const calls = wholeNumber('calls', values.calls, 32, 1_024);
  return { ...values, calls };
};

const DIRECTORY = 'test/bench/results';

/** Reads the CPU of a call from the newest results: Worker and object together, without the queue consumers. */
const newestCpu = (): Cpu => {
  const newest = readdirSync(join(ROOT, DIRECTORY))
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .at(-1);
  if (newest === undefined) throw new Error(`${DIRECTORY} has no results: run npm run bench.`);
  const file = `${DIRECTORY}/${newest}`;
  const { calls } = JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as Pick<Results, 'calls'>;
  const of = (entrant: string, agents: number, connections: number): number => {
    const cell = calls?.find(
      (one) => one.entrant === entrant && one.agents === agents && one.connections === connections,
    );
    if (cell === undefined) throw new Error(`${file} has no ${entrant}, ${agents} agents.`);
    return cell.cpuPerRequest.median / 1_000;
  };
  return {
    file,
    alone: of(ENTRANT.bound, 100, 1),
    atOnce: of(ENTRANT.bound, 1, 16),
    exact: of(ENTRANT.exactInstant, 100, 16),
    apiKey: of(ENTRANT.apiKey, 100, 16),
  };
};

const { calls, write, json } = flagsOrExit(USAGE, readFlags);
const options: CostOptions = { calls };
const finished = await runProject('cost', options, () => undefined);
const failed = finished.filter((each) => each.failed.length > 0);
for (const { test, failed: why } of failed) console.log(`FAILED: ${test}\n${why.join('\n')}`);

const found = <K extends 'counts' | 'bytes' | 'reads' | 'steady'>(name: K) => {
  const value = finished.find(({ meta }) => meta[name] !== undefined)?.meta[name];
  if (value === undefined) throw new Error(`The run reported no ${name}.`);
  return value;
};
const counted: Measurement = {
  counts: found('counts'),
  bytes: found('bytes'),
  reads: found('reads'),
  steady: found('steady'),
  cpu: newestCpu(),
};
const tables = tablesOf(counted);
if (json)
  console.log(JSON.stringify({ ...counted, limits: limitsOf(counted.counts, counted.bytes) }));
else
  console.log(
    Object.values(tables)
      .map((lines) => lines.join('\n'))
      .join('\n\n'),
  );
if (write) {
  const page = join(ROOT, 'docs/cost.md');
  writeFileSync(page, filled(readFileSync(page, 'utf8'), tables));
}
process.exit(failed.length === 0 ? 0 : 1);
