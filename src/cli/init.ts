import { join, relative } from 'node:path';
import { checksummed } from '../crypto/address.ts';
import { askAnswers } from './init/answers.ts';
import { draftFiles, withSettings } from './init/files.ts';
import { mountNotes } from './init/mount-faults.ts';
import { draftMount } from './init/mount.ts';
import { initOptions } from './init/options.ts';
import { pastesOf } from './init/paste.ts';
import { confirmPayee, rejectPayee } from './init/payee.ts';
import { rejectRaces, showChanges } from './init/show-changes.ts';
import { checkAnswers, confirmOverwrite, rejectFaults } from './init/steps.ts';
import { openWorkerProject, packageManagerOf, type WorkerProject } from './init/worker-project.ts';
import { changedFiles, writeFiles } from './lib/atomic-file.ts';
import { checkLines } from './lib/checks.ts';
import type { Command } from './lib/command.ts';
import {
  CONFIG_FILE,
  type ConfigFiles,
  configOf,
  isBlank,
  readConfigFiles,
} from './lib/config-files.ts';
import { CliError } from './lib/errors.ts';
import type { Input } from './lib/input.ts';
import { withoutQuestions } from './lib/prompts.ts';
import type { Session } from './lib/session.ts';

export const command: Command = {
  summary: 'set up a gateway here, or print what mounts one in the Worker that you have',
  options: [
    ...initOptions,
    {
      flags: '-y, --yes',
      summary: 'ask nothing: take defaults, and confirm that nothing else uses --pay-to',
    },
  ],
  examples: [
    'countersign init',
    'countersign init --yes --pay-to 0x… --upstream https://api.example.com/data',
  ],
  run: async (session, input) => await setUp(session, input),
};

const setUp = async (asking: Session, input: Input): Promise<void> => {
  const session = input.flag('yes') ? { ...asking, prompts: withoutQuestions } : asking;
  const { out, directory, signal } = session;
  const project = await openWorkerProject(directory);
  const { files: present, isGateway } = project;
  const mount = await draftMount(project);
  const configured = isGateway && !isBlank(present) ? configOf(present).config : undefined;
  const answers = await askAnswers(session, input, configured);
  await rejectPayee(session, answers.payTo, {
    ...present,
    operators: answers.operators ?? present.variables['OPERATORS'],
  });
  const checks = await checkAnswers(session, input, answers);
  if (!answers.kept.has('PAY_TO')) await confirmPayee(session, answers.payTo, checks);
  const draft = await draftFiles(directory, present, answers, input.flag('keepTools'));
  await confirmOverwrite(session, input, draft);
  rejectFaults(draft);
  // The configuration of another Worker stays as its owner wrote it.
  const config = isGateway ? withSettings(present, draft.edits) : project.config;
  const pastes = pastesOf(config, [...mount.edits, ...(isGateway ? [] : draft.edits)]);
  const configFile = { path: join(directory, config.file), text: config.text };
  const changed = (await changedFiles([configFile, ...draft.files, ...mount.files])).map((file) => {
    return { ...file, name: relative(directory, file.path).replaceAll('\\', '/') };
  });
  await showChanges(session, changed);
  await rejectRaces(directory, present);
  await writeFiles(changed, signal);
  const written = changed.map(({ name }) => name);
  const relayer = draft.relayer && checksummed(draft.relayer.address);
  const notes = isGateway ? [] : mountNotes(project.config.table);
  const isDone = written.length + pastes.length === 0;
  const next = isDone ? [] : await nextSteps(project);
  out.result(
    {
      written,
      paste: pastes,
      checks,
      notes,
      next: next.map(([shell]) => shell),
      ...(relayer === undefined ? {} : { relayer }),
    },
    () =>
      [
        ...(checks.length === 0 ? [] : [checkLines(out, checks), '']),
        ...(isDone ? ['Nothing to change: the gateway is set up.'] : []),
        ...(written.length === 0 ? [] : [`${out.style.good('wrote')} ${written.join(', ')}`]),
        ...[...notesOf(draft.madeKey, relayer), ...notes].map((line) => out.style.dim(line)),
        ...(pastes.length === 0 ? [] : ['', 'Add these lines yourself:']),
        ...pastes.flatMap(({ file, line, how, text }) => [
          ...['', out.style.accent(`${file}:${line}  ${how}`), text],
        ]),
        ...(next.length === 0 ? [] : ['', 'Next:']),
        ...next.map(([shell, what]) => `  ${out.style.accent(shell)}\n      ${what}`),
      ].join('\n'),
  );
};

const notesOf = (madeKey: boolean, relayer: string | undefined): readonly string[] => [
  madeKey
    ? '.dev.vars holds RECEIPT_KEY, which signs receipts: keep the file secret.'
    : 'RECEIPT_KEY in .dev.vars is unchanged.',
  ...(relayer === undefined
    ? []
    : [
        `RELAYER_KEY in .dev.vars pays gas for what the facilitator cannot take at once: send some ether to ${relayer}.`,
      ]),
];

type Step = readonly [shell: string, what: string];

const nextSteps = async ({
  directory,
  config,
  isGateway,
  version,
}: WorkerProject): Promise<readonly Step[]> => {
  const manager = await packageManagerOf(directory);
  return [
    ...(isGateway
      ? []
      : ([
          [
            `${manager} ${manager === 'npm' ? 'install' : 'add'} countersign@^${version}`,
            'install the package',
          ],
          [
            'npx wrangler d1 migrations apply AUDIT_DB --local',
            'create the tables of the gateway on this machine',
          ],
        ] as const)),
    ['npx wrangler dev', 'serve the gateway on this machine; tools.json lists what it sells'],
    ...(config.file === CONFIG_FILE
      ? ([
          ['npx countersign deploy --dry-run', 'print what a deployment would create and change'],
          ['npx countersign deploy', 'create what Cloudflare lacks, deploy, and ask for a 402'],
        ] as const)
      : ([
          ['npx wrangler deploy --dry-run', 'build the Worker without deploying it'],
          ['npx wrangler deploy', 'deploy the gateway; docs/deploy.md lists what to create once'],
        ] as const)),
  ];
};

/** The configuration of a gateway. @throws CliError elsewhere: the files of another Worker must stay as they are */
export const gatewayFiles = async (directory: string): Promise<ConfigFiles> => {
  const files = await readConfigFiles(directory);
  const hint =
    'Run the command in the directory of a gateway. `countersign init` mounts one in a Worker that you have.';
  if (files === undefined) throw new CliError(`This directory has no ${CONFIG_FILE}.`, { hint });
  if (!files.ok)
    throw new CliError(`${files.error}.`, { hint: 'Correct the file and run the command again.' });
  if (files.value.toml.includes('"AgentAccount"')) return files.value;
  throw new CliError(`The ${CONFIG_FILE} here is not that of a Countersign gateway.`, { hint });
};
