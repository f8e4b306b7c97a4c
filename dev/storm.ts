/** `npm run storm`: a thousand paid calls at once under one cap, through a crash; then a verifier in Python judges the exported files. */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { flagsOrExit, wholeNumber } from './command-line.ts';
import { newNarrator } from './demo/narrator.ts';
import { ROOT } from './root.ts';
import { killEveryProcess, whenOrphaned } from './stack/process.ts';
import { newRunDirectory } from './stack/stack-directory.ts';
import { runStorm } from './storm/storm.ts';
import type { Tally } from './storm/tally.ts';

const USAGE = `npm run storm -- [--calls N] [--agents N] [--out DIR] [--json]

  --calls N    paid calls, all at once (default: 1000)
  --agents N   agents that share one cap (default: 20)
  --out DIR    where the export, the receipts and the upstream's record are left (default: .dev/storm)
  --json       print the figures as one line of JSON on standard output, and the steps on standard error

Exits with 0 only if the verifier proved everything and every figure that must be 0 is 0.`;

const flags = flagsOrExit(USAGE, () => {
  const { values } = parseArgs({
    options: {
      calls: { type: 'string', default: '1000' },
      agents: { type: 'string', default: '20' },
      out: { type: 'string', default: join(ROOT, '.dev/storm') },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const agents = wholeNumber('agents', values.agents, 1, 100);
  const calls = wholeNumber('calls', values.calls, agents, 10_000);
  return { ...values, calls, agents, out: resolve(values.out) };
});

/** The figures that must be 0, in words. */
const sentences = (tally: Tally): readonly (readonly [string, boolean, string])[] => [
  ['the cap holds to the unit', tally.overspend === '0', `${tally.overspend} units beyond it`],
  ['each call ran once at most', tally.doubleRuns === 0, `${tally.doubleRuns} runs too many`],
  [
    'log, chain and callers agree on every unit',
    tally.unaccounted === '0',
    `${tally.unaccounted} units unaccounted for`,
  ],
  ['every denial was right', tally.denialsWrong === 0, `${tally.denialsWrong} wrong`],
  ['Python proved it from the files, and all counts agree', tally.proved, 'it did not'],
];

const run = async (): Promise<void> => {
  const narrator = newNarrator(flags.json ? process.stderr : process.stdout);
  const began = performance.now();
  const directory = await newRunDirectory(join(ROOT, '.dev'));
  const end = async (): Promise<void> => {
    await killEveryProcess();
    await rm(directory, { recursive: true, force: true });
  };
  const leave = (code: number): void => void end().then(() => process.exit(code));
  process.on('SIGINT', () => leave(130));
  process.on('SIGTERM', () => leave(143));
  process.on('SIGHUP', () => leave(129));
  whenOrphaned(() => leave(1));
  let tally: Tally | undefined;
  try {
    narrator.print(
      `Countersign storm: ${flags.calls} paid calls at once from ${flags.agents} agents under one cap.`,
    );
    await import('./openapi.ts');
    tally = await runStorm({ ...flags, narrator }, directory);
    narrator.step(`${tally.admitted} of ${tally.calls} calls were admitted`);
    for (const [what, holds, found] of sentences(tally)) narrator.check(what, holds, found);
  } catch (error) {
    narrator.check((error as Error).message, false);
  }
  await end();
  const seconds = Number(((performance.now() - began) / 1_000).toFixed(1));
  const failures = narrator.failures();
  if (failures.length > 0)
    console.error(`\nFailed:\n${failures.map((text) => `  ${text}`).join('\n')}`);
  else narrator.print(`\nDone in ${seconds} s.`);
  if (flags.json && tally !== undefined) console.log(JSON.stringify({ ...tally, seconds }));
  process.exit(failures.length > 0 ? 1 : 0);
};

if (flags.help) console.log(USAGE);
else await run();
