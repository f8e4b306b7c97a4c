import { parseArgs } from 'node:util';
import type { Size } from '../test/scale/size.ts';
import { flagsOrExit, wholeNumber } from './command-line.ts';
import { runProject } from './run-project.ts';

/**
 * `npm run scale`: runs every query of an operator on a D1 with a million calls, and prints how long each took. `--pages`: opens every page
 * of the dashboard on such a D1.
 */
const USAGE = 'npm run scale -- [--pages] [--calls N] [--accounts N] [--tools N] [--json]';

const readFlags = () => {
  const { values } = parseArgs({
    options: {
      calls: { type: 'string', default: '1000000' },
      accounts: { type: 'string', default: '10000' },
      tools: { type: 'string', default: '500' },
      pages: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const size: Size = {
    calls: wholeNumber('calls', values.calls, 100),
    accounts: wholeNumber('accounts', values.accounts, 100),
    tools: wholeNumber('tools', values.tools, 4),
  };
  return { json: values.json, pages: values.pages, size };
};

const { json, pages, size } = flagsOrExit(USAGE, readFlags);
if (pages) {
  const { scalePages } = await import('./scale-pages.ts');
  process.exit(await scalePages(size, json));
}
const finished = await runProject('scale', size, (line) => {
  if (!json) console.log(line);
});
const measured = finished.flatMap(({ meta }) => meta.measured ?? []);
if (json) console.log(JSON.stringify(measured));
else {
  for (const { query, items, medianMs, mostMs } of measured) {
    console.log(
      `${query.padEnd(44)} ${String(items).padStart(6)} items ${medianMs.toFixed(1).padStart(8)} ms, maximum ${mostMs.toFixed(1)} ms`,
    );
  }
}
const failed = finished.filter((each) => each.failed.length > 0);
for (const { test, failed: why } of failed) console.log(`\nFAILED: ${test}\n${why.join('\n')}`);
process.exit(failed.length === 0 ? 0 : 1);
