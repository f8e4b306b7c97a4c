import { basename } from 'node:path';
import { askAnswers } from './init/answers.ts';
import { draftFiles } from './init/files.ts';
import { initOptions } from './init/options.ts';
import { checkAnswers, confirmOverwrite, rejectFaults } from './init/steps.ts';
import { checksummed } from '../crypto/address.ts';
import { writeFiles } from './lib/atomic-file.ts';
import { checkLines } from './lib/checks.ts';
import type { Command } from './lib/command.ts';
import { CONFIG_FILE, type ConfigFiles, readConfigFiles } from './lib/config-files.ts';
import { CliError } from './lib/errors.ts';

export const command: Command = {
  summary: 'set up the configuration of a gateway: ask, check, write',
  options: initOptions,
  examples: [
    'countersign init',
    'countersign init --pay-to 0x… --network base-sepolia --rpc https://sepolia.base.org --upstream https://api.example.com/weather',
  ],
  run: async (session, input) => {
    const { out, directory, signal } = session;
    const present = await gatewayFiles(directory);
    const answers = await askAnswers(session, input);
    const checks = await checkAnswers(session, input, answers);
    const draft = await draftFiles(directory, present, answers, input.flag('keepTools'));
    await confirmOverwrite(session, input, draft);
    rejectFaults(draft);
    await writeFiles(draft.files, signal);
    const written = draft.files.map(({ path }) => basename(path));
    const receiptKey = draft.madeKey
      ? '.dev.vars holds RECEIPT_KEY, which signs receipts: keep the file secret.'
      : 'RECEIPT_KEY in .dev.vars is unchanged.';
    const relayer = draft.relayer && checksummed(draft.relayer.address);
    const relayerKey =
      relayer === undefined
        ? []
        : [
            `RELAYER_KEY in .dev.vars pays gas for what the facilitator cannot take at once: send some ether to ${relayer}.`,
          ];
    const next = NEXT.map(([shell]) => shell);
    out.result({ written, checks, next, ...(relayer === undefined ? {} : { relayer }) }, () =>
      [
        ...(checks.length === 0 ? [] : [checkLines(out, checks), '']),
        `${out.style.good('wrote')} ${written.join(', ')}`,
        ...[receiptKey, ...relayerKey].map((line) => out.style.dim(line)),
        '',
        'Next:',
        ...NEXT.map(([shell, what]) => `  ${out.style.accent(shell)}\n      ${what}`),
      ].join('\n'),
    );
  },
};

const NEXT = [
  ['npx wrangler deploy --dry-run', 'build the Worker without deploying it'],
  ['npx wrangler dev', 'serve the gateway on this machine; tools.json lists what it sells'],
  ['npm run deploy', 'deploy the gateway; docs/deploy.md lists what to create once'],
] as const;

/** The configuration of a Countersign checkout. @throws CliError elsewhere: the files of another Worker must stay as they are */
export const gatewayFiles = async (directory: string): Promise<ConfigFiles> => {
  const files = await readConfigFiles(directory);
  const hint = 'Run the command in a checkout of Countersign, after `npm ci`.';
  if (files === undefined) throw new CliError(`This directory has no ${CONFIG_FILE}.`, { hint });
  if (!files.ok)
    throw new CliError(`${files.error}.`, { hint: 'Correct the file and run the command again.' });
  if (files.value.toml.includes('"AgentAccount"')) return files.value;
  throw new CliError(`The ${CONFIG_FILE} here is not that of a Countersign gateway.`, { hint });
};
