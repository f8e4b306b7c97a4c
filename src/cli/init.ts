import { basename } from 'node:path';
import { type Answers, askAnswers } from './init/answers.ts';
import { type Draft, draftFiles } from './init/files.ts';
import { checksummed } from '../crypto/address.ts';
import { writeFiles } from './lib/atomic-file.ts';
import {
  chainChecks,
  type Check,
  checkLines,
  facilitatorCheck,
  upstreamCheck,
} from './lib/checks.ts';
import type { Command } from './lib/command.ts';
import { CONFIG_FILE, type ConfigFiles, configOf, readConfigFiles } from './lib/config-files.ts';
import { cancelled, CliError } from './lib/errors.ts';
import type { Input } from './lib/input.ts';
import type { Session } from './lib/session.ts';

export const command: Command = {
  summary: 'set up the configuration of a gateway: ask, check, write',
  options: [
    { flags: '--pay-to <address>', summary: 'address that receives the payments' },
    {
      flags: '--network <name>',
      summary: 'network to accept payments on, e.g. base-sepolia, base, or a CAIP-2 id',
    },
    {
      flags: '--rpc <url>',
      summary: 'JSON-RPC endpoint of that network',
      env: 'COUNTERSIGN_RPC_URL',
    },
    { flags: '--upstream <url>', summary: 'URL of the first tool behind the gateway' },
    {
      flags: '--audience <origin>',
      summary: 'origin that agents call (default: http://localhost:8787)',
    },
    {
      flags: '--facilitator <url>',
      summary: 'facilitator that settles (default: one for the network)',
    },
    {
      flags: '--without-relayer',
      summary: 'settle by the facilitator alone, without a key of your own',
    },
    {
      flags: '--operator <address>',
      summary: 'address that may manage the gateway; several comma-separated',
    },
    { flags: '--local-stack', summary: 'for this machine only: allow http and local URLs' },
    { flags: '--keep-tools', summary: 'do not change tools.json' },
    { flags: '--skip-checks', summary: 'do not check RPC, token, facilitator and upstream' },
    { flags: '--force', summary: 'overwrite edited values' },
  ],
  examples: [
    'countersign init',
    'countersign init --pay-to 0x… --network base-sepolia --rpc https://sepolia.base.org --upstream https://api.example.com/weather',
  ],
  run: async (session, input) => {
    const { out, directory, signal } = session;
    const present = await gatewayFiles(directory);
    const answers = await askAnswers(session, input);
    const checks = input.flag('skipChecks') ? [] : await runChecks(session, answers);
    const failed = checks.filter(({ status }) => status === 'fail');
    if (failed.length > 0) {
      out.note(checkLines({ ...out, style: out.noteStyle }, checks));
      throw new CliError('A check failed. The command wrote nothing.', {
        hint: 'Correct it and run `countersign init` again; --skip-checks writes without checks.',
        code: 'checks_failed',
        details: Object.fromEntries(failed.map(({ name, says }) => [name, says])),
      });
    }
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
const gatewayFiles = async (directory: string): Promise<ConfigFiles> => {
  const files = await readConfigFiles(directory);
  const hint = 'Run the command in a checkout of Countersign, after `npm ci`.';
  if (files === undefined) throw new CliError(`This directory has no ${CONFIG_FILE}.`, { hint });
  if (!files.ok)
    throw new CliError(`${files.error}.`, { hint: 'Correct the file and run the command again.' });
  if (files.value.toml.includes('"AgentAccount"')) return files.value;
  throw new CliError(`The ${CONFIG_FILE} here is not that of a Countersign gateway.`, { hint });
};

const runChecks = async (
  { progress, signal, now }: Session,
  { network, rpc, upstream, facilitator }: Answers,
): Promise<readonly Check[]> =>
  await progress.during('checking each part', async () => {
    const [chain, settlement, tool] = await Promise.all([
      chainChecks(network.network, rpc, now),
      facilitatorCheck(facilitator, [network.network], signal),
      upstreamCheck(upstream.origin, signal),
    ]);
    // A facilitator that is down now may be up when the gateway needs it. A wrong chain or token stays wrong.
    return [
      ...chain,
      settlement.status === 'fail' ? { ...settlement, status: 'warn' as const } : settlement,
      tool,
    ];
  });

const confirmOverwrite = async (
  { prompts }: Session,
  input: Input,
  { lost }: Draft,
): Promise<void> => {
  if (lost.length === 0 || input.flag('force')) return;
  const what = lost.join(', ');
  if (!prompts.isInteractive) {
    throw new CliError(`The command would overwrite what you edited: ${what}.`, {
      hint: 'Give --force to overwrite it, or --keep-tools to keep tools.json. The command wrote nothing.',
      code: 'would_overwrite',
    });
  }
  const agreed = await prompts.confirm({
    message: `Overwrite what you edited? ${what}`,
    instead: '--force',
  });
  if (!agreed) throw cancelled('The command wrote nothing.');
};

/** @throws CliError if the gateway would reject the drafted configuration */
const rejectFaults = ({ config }: Draft): void => {
  const { faults } = configOf(config);
  if (faults.length === 0) return;
  throw new CliError('The gateway would reject this configuration. The command wrote nothing.', {
    hint: 'Correct these values in wrangler.toml or tools.json and run the command again.',
    code: 'misconfigured',
    details: Object.fromEntries(faults.map(({ name, reason }) => [name, reason])),
  });
};
