import { parseArgs } from 'node:util';
import type { Size } from '../test/scale/size.ts';
import { runProject } from './run-project.ts';

/** Asks a D1 that holds a million calls everything that an operator can, and says how long it took. */
const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '1000000' },
    accounts: { type: 'string', default: '10000' },
    json: { type: 'boolean', default: false },
  },
});

const whole = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 100) return value;
  throw new Error(`--${name} must be a whole number from 100, and is ${text}`);
};

const size: Size = {
  calls: whole('calls', values.calls),
  accounts: whole('accounts', values.accounts),
};
const finished = await runProject('scale', size, (line) => {
  if (!values.json) console.log(line);
});
const measured = finished.flatMap(({ meta }) => meta.measured ?? []);
if (values.json) console.log(JSON.stringify(measured));
else {
  for (const { question, items, medianMs, mostMs } of measured) {
    console.log(
      `${question.padEnd(44)} ${String(items).padStart(6)} items ${medianMs.toFixed(1).padStart(8)} ms, at most ${mostMs.toFixed(1)}`,
    );
  }
}
const failed = finished.filter((each) => each.failed.length > 0);
for (const { test, failed: why } of failed) console.log(`\nFAILED: ${test}\n${why.join('\n')}`);
process.exit(failed.length === 0 ? 0 : 1);
