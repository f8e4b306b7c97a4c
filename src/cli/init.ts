import { relative } from 'node:path';
import { checksummed } from '../crypto/address.ts';
import { askAnswers } from './init/answers.ts';
import { draftFiles } from './init/files.ts';
import { mountNotes } from './init/mount-faults.ts';
import { draftMount } from './init/mount-worker.ts';
import { initOptions } from './init/options.ts';
import { confirmPayee, rejectPayee } from './init/payee.ts';
import { rejectRaces, showChanges } from './init/show-changes.ts';
import { checkAnswers, confirmOverwrite, rejectFaults } from './init/steps.ts';
import { undoFiles, undoLastRun } from './init/undo.ts';
import { openWorkerProject, packageManagerOf, type WorkerProject } from './init/worker-project.ts';
import { writeFiles } from './lib/atomic-file.ts';
import { checkLines } from './lib/checks.ts';
import type { Command } from './lib/command.ts';
import {
  CONFIG_FILE,
  type ConfigFiles,
  configOf,
  isBlank,
  readConfigFiles,
} from './lib/config-files.ts';
import { cancelled, CliError } from './lib/errors.ts';
import type { Input } from './lib/input.ts';
import { withoutQuestions } from './lib/prompts.ts';
import type { Session } from './lib/session.ts';

export const command: Command = {
  summary: 'set up a gateway here: in the Worker that you have, or with new settings',
  options: [
    ...initOptions,
    { flags: '--package <spec>', summary: 'version or file of countersign to depend on' },
    { flags: '--undo', summary: 'restore the files as they were before the last run' },
    {
      flags: '-y, --yes',
      summary: 'ask nothing: take defaults, and confirm that nothing else uses --pay-to',
    },
  ],
  examples: [
    'countersign init',
    'countersign init --yes --pay-to 0x… --upstream https://api.example.com/data',
    'countersign init --undo',
  ],
  run: async (asking, input) =>
    await (input.flag('undo') ? undo(asking, input) : setUp(asking, input)),
};

const setUp = async (asking: Session, input: Input): Promise<void> => {
  const session = input.flag('yes') ? { ...asking, prompts: withoutQuestions } : asking;
  const { out, directory, signal } = session;
  const project = await openWorkerProject(directory);
  const { files: present, isGateway } = project;
  const mount = await draftMount(project, input.text('package') ?? `^${project.version}`, out.note);
  const configured = isGateway && !isBlank(present) ? configOf(present).config : undefined;
  const answers = await askAnswers(session, input, configured);
  await rejectPayee(session, answers.payTo, {
    ...present,
    operators: answers.operators ?? present.variables['OPERATORS'],
  });
  const checks = await checkAnswers(session, input, answers);
  if (!answers.kept.has('PAY_TO')) await confirmPayee(session, answers.payTo, checks);
  const keepTools = input.flag('keepTools');
  const draft = await draftFiles(directory, present, answers, keepTools, mount.edits);
  await confirmOverwrite(session, input, draft);
  rejectFaults(draft);
  const files = [...draft.files, ...mount.files].map((file) => ({
    ...file,
    name: relative(directory, file.path).replaceAll('\\', '/'),
  }));
  const changes = await showChanges(session, files);
  const isStructural = mount.edits.length + mount.files.length > 0;
  if (changes.length > 0 && isStructural) await confirmChanges(session, input);
  await rejectRaces(changes);
  const written = changes.map(({ name }) => name);
  const changed = files.filter(({ name }) => written.includes(name));
  if (changed.length > 0)
    await writeFiles([...changed, ...(await undoFiles(directory, changed))], signal);
  const relayer = draft.relayer && checksummed(draft.relayer.address);
  const notes = isGateway ? [] : mountNotes(project.config.table);
  const next = changes.length === 0 ? [] : await nextSteps(project, mount.files.length > 0);
  out.result(
    {
      written,
      checks,
      notes,
      next: next.map(([shell]) => shell),
      ...(relayer === undefined ? {} : { relayer }),
    },
    () =>
      [
        ...(checks.length === 0 ? [] : [checkLines(out, checks), '']),
        ...(changes.length === 0
          ? ['Nothing to change: the gateway is set up.']
          : [`${out.style.good('wrote')} ${written.join(', ')}`]),
        ...[...notesOf(draft.madeKey, relayer), ...notes].map((line) => out.style.dim(line)),
        ...(next.length === 0 ? [] : ['', 'Next:']),
        ...next.map(([shell, what]) => `  ${out.style.accent(shell)}\n      ${what}`),
      ].join('\n'),
  );
};

const confirmChanges = async ({ prompts }: Session, input: Input): Promise<void> => {
  if (input.flag('yes')) return;
  const agreed = await prompts.confirm({ message: 'Write these changes?', instead: '--yes' });
  if (!agreed) throw cancelled('The command wrote nothing.');
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

const nextSteps = async (
  { directory, config }: WorkerProject,
  isMount: boolean,
): Promise<readonly Step[]> => {
  const manager = await packageManagerOf(directory);
  return [
    ...(isMount
      ? ([
          [`${manager} install`, 'install the package'],
          [
            'npx wrangler d1 migrations apply AUDIT_DB --local',
            'create the tables of the gateway on this machine',
          ],
        ] as const)
      : []),
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
    ...(isMount
      ? ([['npx countersign init --undo', `restore ${config.file} and all other files`]] as const)
      : []),
  ];
};

const undo = async ({ out, directory, signal }: Session, input: Input): Promise<void> => {
  const undone = await undoLastRun(directory, {
    edits: input.flag('force') ? 'discard' : 'refuse',
    signal,
    note: out.note,
  });
  const { restored, removed, keys } = undone;
  out.result(undone, () =>
    [
      ...(restored.length === 0 ? [] : [`${out.style.good('restored')} ${restored.join(', ')}`]),
      ...(removed.length === 0 ? [] : [`${out.style.good('removed')} ${removed.join(', ')}`]),
      ...(keys === undefined
        ? []
        : [out.style.dim(`${keys} keeps the keys: the address of a relayer may hold ether.`)]),
    ].join('\n'),
  );
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
