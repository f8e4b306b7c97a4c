import { parseArgs } from 'node:util';
import { runDrill } from '../test/chaos/drill/run-drill.ts';
import { flagsOrExit, startProgress, wholeNumber } from './command-line.ts';
import { drillText, faultsOf } from './drill/report-drill.ts';
import { killEveryProcess } from './stack/process.ts';

/**
 * `npm run drill`: sells under load, loses each part of the gateway's state in turn, brings it back by the steps of docs/restore.md, and
 * states what was lost.
 */
const USAGE = 'npm run drill -- [--agents N] [--calls N] [--json]';

const print = startProgress();
const { values, options } = flagsOrExit(USAGE, () => {
  const { values: given } = parseArgs({
    options: {
      agents: { type: 'string', default: '8' },
      calls: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    },
  });
  const agents = wholeNumber('agents', given.agents, 4);
  return { values: given, options: { agents, calls: wholeNumber('calls', given.calls), print } };
});
let code = 0;
try {
  const drill = await runDrill(options);
  const faults = faultsOf(drill);
  console.log(`\n${drillText(drill)}`);
  if (faults.length > 0) {
    code = 1;
    console.log(`\nBROKEN:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
  if (values.json)
    console.log(
      JSON.stringify({ ...drill, faults }, (_, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      ),
    );
} catch (error) {
  code = 1;
  console.log(`\nThe drill failed: ${(error as Error).stack}`);
}
await killEveryProcess();
process.exit(code);
