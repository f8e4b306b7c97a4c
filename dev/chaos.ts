import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Fault, FAULTS, type Orders } from '../test/chaos/run/orders.ts';
import { runChaos } from '../test/chaos/run/run.ts';
import { killEveryProcess } from './stack/process.ts';

/** Buys thousands of things on a machine on which everything goes wrong, and looks whether anything was lost (design §6, laws 3 to 7, 11). */
const { values } = parseArgs({
  options: {
    payments: { type: 'string', default: '10000' },
    payers: { type: 'string', default: '50' },
    seed: { type: 'string' },
    faults: { type: 'string', default: FAULTS.join(',') },
    relayer: { type: 'string', default: 'on' },
    json: { type: 'boolean', default: false },
  },
});

const whole = (name: string, text: string, least: number): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number from ${least}, and is ${text}`);
};

const faultsOf = (text: string): ReadonlySet<Fault> => {
  const names = text === 'none' ? [] : text.split(',');
  const unknown = names.find((name) => !FAULTS.some((fault) => fault === name));
  if (unknown === undefined) return new Set(names as Fault[]);
  throw new Error(`--faults takes none, or some of ${FAULTS.join(',')}, and not ${unknown}`);
};

const began = performance.now();
const say = (line: string): void => {
  console.log(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`);
};

const orders: Orders = {
  payments: whole('payments', values.payments, 1),
  payers: whole('payers', values.payers, 1),
  seed: values.seed === undefined ? randomInt(2 ** 31) : whole('seed', values.seed, 0),
  faults: faultsOf(values.faults),
  relayer: values.relayer !== 'off',
  say,
};
const again =
  `npm run chaos -- --seed ${orders.seed} --payments ${orders.payments} --payers ${orders.payers}` +
  ` --faults ${values.faults} --relayer ${values.relayer}`;

say(`seed ${orders.seed}: ${orders.payments} payments of ${orders.payers} payers`);
let code = 0;
try {
  const { figures, wrongs, ages, ...more } = await runChaos(orders);
  const shown = wrongs.slice(0, 50).map((wrong) => `  ${wrong}`);
  if (wrongs.length > 0) {
    code = 1;
    console.log(`\nBROKEN: ${wrongs.length} times\n${shown.join('\n')}\nAgain: ${again}`);
  }
  console.log(`
payments                     ${figures.payments}
settled, failed, released    ${figures.settled}, ${figures.failed}, ${figures.released}
unresolved                   ${figures.unresolved}
paid twice                   ${figures.doublePaid}
ledger minus chain           ${figures.ledgerMinusChain}
unpaid beyond exposure       ${figures.unpaidBeyondExposure}
owed by hostile payers       ${more.owed}
accepted to settled          p50 ${ages.p50} s, p99 ${ages.p99} s
per 1000 payments            ${more.facilitatorCallsPerThousand} facilitator calls, ${more.transactionsPerThousand} transactions
gas of a payment             ${figures.gasPerPayment}`);
  if (values.json) console.log(JSON.stringify(figures));
} catch (error) {
  code = 1;
  console.log(`\nThe run broke down: ${(error as Error).stack}\nAgain: ${again}`);
}
await killEveryProcess();
process.exit(code);
