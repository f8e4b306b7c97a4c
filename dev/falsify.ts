import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { sumUp, wrongs } from '../test/falsify/figures.ts';
import { type Kind, KINDS } from '../test/falsify/kind.ts';
import type { Orders } from '../test/falsify/orders.ts';
import { runProject } from './run-project.ts';

/** Tries to make the tree of real accounts pass a limit, or leave some of one unused (design §2 law 6, §5). */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    calls: { type: 'string', default: '1000' },
    kind: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const whole = (name: string, text: string, least: number): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number from ${least}, and is ${text}`);
};

const kindsOf = (name: string | undefined): readonly Kind[] => {
  const kinds = KINDS.filter((each) => name === undefined || each === name);
  if (kinds.length > 0) return kinds;
  throw new Error(`--kind must be one of ${KINDS.join(', ')}`);
};

const orders: Orders = {
  seed: values.seed === undefined ? randomInt(2 ** 31) : whole('seed', values.seed, 0),
  seeds: whole('seeds', values.seeds, 1),
  calls: whole('calls', values.calls, 1),
  kinds: kindsOf(values.kind),
};

const began = performance.now();
const say = (line: string): void => {
  console.log(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`);
};

say(
  `seed ${orders.seed}${orders.seeds > 1 ? ` and the ${orders.seeds - 1} after it` : ''}: ${orders.kinds.length} kinds of limits, nine accounts, ${orders.calls} calls of each`,
);
const finished = await runProject('falsify', orders, say);
const figures = sumUp(finished.flatMap(({ meta }) => meta.findings ?? []));
const failed = finished.filter((each) => each.failed.length > 0);
for (const { test, failed: why, meta } of failed) {
  const [, seed = '', kind = ''] = /^seed (\d+) > (\w+)$/.exec(test) ?? [];
  console.log(`\nFALSIFIED: ${test}\n${(meta.findings?.flatMap(wrongs) ?? why).join('\n')}`);
  console.log(`Again: npm run falsify -- --seed ${seed} --kind ${kind} --calls ${orders.calls}`);
}
say(
  failed.length === 0 ? 'Nothing was falsified.' : `${failed.length} of ${finished.length} fell.`,
);
const { calls, admitted, overspend, usable, usableSkewed, parentCallsPerPaidCall } = figures;
if (!values.json) {
  console.log(`
calls                        ${calls}
admitted                     ${admitted}
limits passed by             ${overspend}
tightest limit used          ${(usable * 100).toFixed(2)} %
  by one greedy account      ${(usableSkewed * 100).toFixed(2)} %
calls above per paid call    ${parentCallsPerPaidCall}`);
} else console.log(JSON.stringify(figures));
process.exit(failed.length === 0 ? 0 : 1);
