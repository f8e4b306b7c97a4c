import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Fault, FAULTS, type ChaosOptions } from '../test/chaos/run/options.ts';
import { runChaos } from '../test/chaos/run/run.ts';
import { reportDatabaseOutage } from './chaos/report-database-outage.ts';
import { reportOutage } from './chaos/report-outage.ts';
import { flagsOrExit, startProgress, wholeNumber } from './command-line.ts';
import { killEveryProcess } from './stack/process.ts';

/**
 * `npm run chaos`: pays for thousands of calls while processes crash and connections break, and then compares ledger, chain, log and
 * clients: no payment may be lost or charged twice (laws 3 to 7 and 11).
 */
const USAGE =
  'npm run chaos -- [--payments N] [--payers N] [--seed N] [--faults LIST|none] [--relayer on|off] [--json]\n' +
  '   or: npm run chaos -- --outage SECONDS [--away chain|database] [--rate N] [--payers N] [--json]';

const faultsOf = (text: string): ReadonlySet<Fault> => {
  const names = text === 'none' ? [] : text.split(',');
  const unknown = names.find((name) => !FAULTS.some((fault) => fault === name));
  if (unknown === undefined) return new Set(names as Fault[]);
  throw new Error(`--faults takes 'none' or a list of ${FAULTS.join(',')}, not '${unknown}'`);
};

const reportOf = (away: string): typeof reportOutage => {
  if (away === 'chain') return reportOutage;
  if (away === 'database') return reportDatabaseOutage;
  throw new Error(`--away takes 'chain' or 'database', not '${away}'`);
};

const print = startProgress();

const readFlags = () => {
  const { values } = parseArgs({
    options: {
      payments: { type: 'string', default: '10000' },
      payers: { type: 'string', default: '50' },
      seed: { type: 'string' },
      faults: { type: 'string', default: FAULTS.join(',') },
      relayer: { type: 'string', default: 'on' },
      outage: { type: 'string' },
      away: { type: 'string', default: 'chain' },
      rate: { type: 'string', default: '100' },
      json: { type: 'boolean', default: false },
    },
  });
  const options: ChaosOptions = {
    payments: wholeNumber('payments', values.payments),
    payers: wholeNumber('payers', values.payers),
    seed: values.seed === undefined ? randomInt(2 ** 31) : wholeNumber('seed', values.seed, 0),
    faults: faultsOf(values.faults),
    relayer: values.relayer !== 'off',
    print,
  };
  return { values, options };
};

const { values, options } = flagsOrExit(USAGE, readFlags);
if (values.outage !== undefined) {
  const flags = { outage: values.outage, rate: values.rate };
  const report = flagsOrExit(USAGE, () => reportOf(values.away));
  const outage = flagsOrExit(USAGE, () => ({
    seconds: wholeNumber('outage', flags.outage, 1, 600),
    rate: wholeNumber('rate', flags.rate, 1, 1_000),
    payers: options.payers,
    print,
  }));
  const code = await report(outage, values.json);
  await killEveryProcess();
  process.exit(code);
}
const command =
  `npm run chaos -- --seed ${options.seed} --payments ${options.payments} --payers ${options.payers}` +
  ` --faults ${values.faults} --relayer ${values.relayer}`;

print(`Seed ${options.seed}: ${options.payments} payments by ${options.payers} payers.`);
let code = 0;
try {
  const { figures, violations, ages, ...more } = await runChaos(options);
  const shown = violations.slice(0, 50).map((wrong) => `  ${wrong}`);
  if (violations.length > 0) {
    code = 1;
    console.log(
      `\nBROKEN: ${violations.length} violations.\n${shown.join('\n')}\nRepeat this run: ${command}`,
    );
  }
  console.log(`
payments                      ${figures.payments}
settled, failed, released     ${figures.settled}, ${figures.failed}, ${figures.released}
unresolved                    ${figures.unresolved}
charged twice                 ${figures.doublePaid}
ledger minus chain            ${figures.ledgerMinusChain}
unpaid above the exposure cap ${figures.unpaidBeyondExposure}
debts of hostile payers       ${more.owed}
from accepted to settled      p50 ${ages.p50} s, p99 ${ages.p99} s
per 1000 payments             ${more.facilitatorCallsPerThousand} facilitator requests, ${more.transactionsPerThousand} transactions
gas per payment               ${figures.gasPerPayment}`);
  if (values.json) console.log(JSON.stringify(figures));
} catch (error) {
  code = 1;
  console.log(`\nThe run failed: ${(error as Error).stack}\nRepeat this run: ${command}`);
}
await killEveryProcess();
process.exit(code);
