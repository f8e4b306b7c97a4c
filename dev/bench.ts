import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { ACCOUNTS, type BenchOrders } from '../test/bench/rounds.ts';
import { runProject } from './run-project.ts';

/** Calls a second through one owner, by the real objects in the real runtime on this machine. */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    calls: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});

const whole = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} must be a whole number from 1, and is ${text}`);
};

const median = (list: readonly number[]): number => {
  const sorted = list.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
};

const orders: BenchOrders = {
  rounds: whole('rounds', values.rounds),
  calls: whole('calls', values.calls),
};
const machine = {
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  node: process.version,
  workerd: (createRequire(import.meta.url)('workerd/package.json') as { version: string }).version,
};
console.log(
  `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, workerd ${machine.workerd}`,
);
console.log(
  `${ACCOUNTS} accounts at once, ${orders.calls} calls each a round: reserved and finished, paid from credit`,
);

const finished = await runProject('bench', orders, console.log);
const failed = finished.flatMap((each) => each.failed);
const rounds = finished[0]?.meta.rounds;
if (failed.length > 0 || rounds === undefined) throw new Error(failed.join('\n'));
const medians = { below: median(rounds.below), alone: median(rounds.alone) };
const list = (all: readonly number[]): string => all.map((each) => each.toFixed(0)).join(' ');
if (!values.json) {
  console.log(`
calls a second      median  rounds
below one owner     ${medians.below.toFixed(0).padStart(6)}  ${list(rounds.below)}
standing alone      ${medians.alone.toFixed(0).padStart(6)}  ${list(rounds.alone)}
owner asked per paid call: ${rounds.asked.toFixed(3)}`);
} else console.log(JSON.stringify({ machine, accounts: ACCOUNTS, ...orders, medians, ...rounds }));
