import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { CostOrders } from '../test/cost/counts.ts';
import { newestCpu } from './cost/cpu.ts';
import { limitsOf } from './cost/scale.ts';
import { type Counted, filled, tablesOf } from './cost/tables.ts';
import { ROOT } from './root.ts';
import { runProject } from './run-project.ts';

/** Counts what a paid call is billed for, and what that costs. `--write` puts the tables into `docs/cost.md`. */
const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '1024' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const calls = Number(values.calls);
// More would be forgotten while the others are made.
if (!Number.isSafeInteger(calls) || calls < 32 || calls > 1_024) {
  throw new Error(`--calls must be a whole number from 32 to 1024, and is ${values.calls}`);
}
const orders: CostOrders = { calls };
const finished = await runProject('cost', orders, () => undefined);
const failed = finished.filter((each) => each.failed.length > 0);
for (const { test, failed: why } of failed) console.log(`FAILED: ${test}\n${why.join('\n')}`);

const found = <K extends 'counts' | 'bytes' | 'reads' | 'steady'>(name: K) => {
  const value = finished.find(({ meta }) => meta[name] !== undefined)?.meta[name];
  if (value === undefined) throw new Error(`There are no ${name}.`);
  return value;
};
const counted: Counted = {
  counts: found('counts'),
  bytes: found('bytes'),
  reads: found('reads'),
  steady: found('steady'),
  cpu: newestCpu(),
};
const tables = tablesOf(counted);
if (values.json)
  console.log(JSON.stringify({ ...counted, limits: limitsOf(counted.counts, counted.bytes) }));
else
  console.log(
    Object.values(tables)
      .map((lines) => lines.join('\n'))
      .join('\n\n'),
  );
if (values.write) {
  const page = join(ROOT, 'docs/cost.md');
  writeFileSync(page, filled(readFileSync(page, 'utf8'), tables));
}
process.exit(failed.length === 0 ? 0 : 1);
