import { basename, join, relative, resolve } from 'node:path';
import { askOperator } from './create/operator.ts';
import { openProject, projectFiles } from './create/project.ts';
import { askAnswers } from './init/answers.ts';
import { draftFiles } from './init/files.ts';
import { initOptions } from './init/options.ts';
import { confirmPayee, rejectPayee } from './init/payee.ts';
import { checkAnswers, confirmOverwrite, rejectFaults } from './init/steps.ts';
import { writeFiles } from './lib/atomic-file.ts';
import { checkLines } from './lib/checks.ts';
import type { Command } from './lib/command.ts';
import { withoutQuestions } from './lib/prompts.ts';

export const command: Command = {
  summary:
    'create a project that sells an API: a Worker of three lines, its settings and its tools',
  arguments: [{ syntax: '[directory]', summary: 'where to create it (default: gateway)' }],
  options: [
    ...initOptions,
    {
      flags: '--new-operator <name>',
      summary: 'create a key of this name, encrypted, as operator',
    },
    { flags: '--package <spec>', summary: 'version or file of countersign to depend on' },
    {
      flags: '-y, --yes',
      summary: 'ask nothing: take defaults, and confirm that nothing else uses --pay-to',
    },
  ],
  shared: ['password'],
  examples: [
    'npm create countersign',
    'npm create countersign shop -- --yes --pay-to 0x… --upstream https://api.example.com/weather',
  ],
  run: async (asking, input) => {
    const session = input.flag('yes') ? { ...asking, prompts: withoutQuestions } : asking;
    const { out, signal } = session;
    const directory = resolve(session.directory, input.arguments[0] ?? 'gateway');
    const project = await openProject(directory);
    const given = await askAnswers(session, input);
    const checks = await checkAnswers(session, input, given);
    await confirmPayee(session, given.payTo, checks);
    const operators = await askOperator(session, input, given.operators, project.present);
    const answers = { ...given, operators };
    const { variables, secrets } = project.present;
    await rejectPayee(session, given.payTo, {
      variables,
      secrets,
      operators: operators ?? variables['OPERATORS'],
    });
    const keepTools = input.flag('keepTools');
    const draft = await draftFiles(directory, project.present, answers, keepTools);
    await confirmOverwrite(session, input, draft);
    rejectFaults(draft);
    const added = project.isNew
      ? projectFiles(directory, input.text('package') ?? `^${project.version}`)
      : [];
    const files = [...draft.files, ...added];
    await writeFiles(files, signal);
    const written = files.map(({ path }) => relative(directory, path));
    const folder = relative(session.directory, directory);
    const next = [...(folder === '' ? [] : [`cd ${quoted(folder)}`]), 'npm install', 'npm start'];
    out.result({ directory, written, checks, next }, () =>
      [
        ...(checks.length === 0 ? [] : [checkLines(out, checks), '']),
        `${out.style.good('wrote')} ${written.join(', ')} ${out.style.dim(`in ${basename(directory)}`)}`,
        out.style.dim('.dev.vars holds private keys: keep the file secret, and back it up.'),
        '',
        'Next:',
        ...next.map((line) => `  ${out.style.accent(line)}`),
        '',
        out.style.dim(`${join(basename(directory), 'README.md')} explains how to sell and deploy.`),
      ].join('\n'),
    );
  },
};

const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : JSON.stringify(path));
