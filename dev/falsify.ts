import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { summarize, violations } from '../test/falsify/figures.ts';
import { type Kind, KINDS } from '../test/falsify/kind.ts';
import type { FalsifyOptions } from '../test/falsify/options.ts';
import { flagsOrExit, startProgress, wholeNumber } from './command-line.ts';
import { runProject } from './run-project.ts';

/** `npm run falsify`: searches for interleavings in which a tree of real accounts exceeds a limit (law 6), or leaves part of it unused. */
const USAGE = 'npm run falsify -- [--seed N] [--seeds N] [--calls N] [--kind KIND] [--json]';

const kindsOf = (name: string | undefined): readonly Kind[] => {
  const kinds = KINDS.filter((each) => name === undefined || each === name);
  if (kinds.length > 0) return kinds;
  throw new Error(`--kind takes one of ${KINDS.join(', ')}, not '${name}'`);
};

const readFlags = () => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '1' },
      calls: { type: 'string', default: '1000' },
      kind: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const options: FalsifyOptions = {
    seed: values.seed === undefined ? randomInt(2 ** 31) : wholeNumber('seed', values.seed, 0),
    seeds: wholeNumber('seeds', values.seeds),
    calls: wholeNumber('calls', values.calls),
    kinds: kindsOf(values.kind),
  };
  return { json: values.json, options };
};

const { json, options } = flagsOrExit(USAGE, readFlags);
const print = startProgress();

const last = options.seed + options.seeds - 1;
print(
  `${options.seeds > 1 ? `Seeds ${options.seed} to ${last}` : `Seed ${options.seed}`}: ${options.kinds.length} kinds of limits, nine accounts, ${options.calls} calls for each kind.`,
);
const finished = await runProject('falsify', options, print);
const figures = summarize(finished.flatMap(({ meta }) => meta.findings ?? []));
const failed = finished.filter((each) => each.failed.length > 0);
for (const { test, failed: why, meta } of failed) {
  const [, seed = '', kind = ''] = /^seed (\d+) > (\w+)$/.exec(test) ?? [];
  console.log(`\nFALSIFIED: ${test}\n${(meta.findings?.flatMap(violations) ?? why).join('\n')}`);
  console.log(
    `Repeat this case: npm run falsify -- --seed ${seed} --kind ${kind} --calls ${options.calls}`,
  );
}
const kept = finished.length - failed.length;
print(`${kept} of ${finished.length} cases kept their limits.`);
const { calls, admitted, overspend, usable, usableSkewed, parentCallsPerPaidCall } = figures;
if (!json) {
  console.log(`
calls                            ${calls}
admitted                         ${admitted}
spent above limits               ${overspend}
use of the tightest limit        ${(usable * 100).toFixed(2)} %
  with one greedy account        ${(usableSkewed * 100).toFixed(2)} %
requests to ancestors per call   ${parentCallsPerPaidCall}`);
} else console.log(JSON.stringify(figures));
process.exit(failed.length === 0 ? 0 : 1);
