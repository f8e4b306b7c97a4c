import { join } from 'node:path';
import type { ToolDocument } from '../../management/tool.route.ts';
import { askAnswers } from '../init/answers.ts';
import { draftFiles, withSettings } from '../init/files.ts';
import { confirmPayee, rejectPayee } from '../init/payee.ts';
import { confirmOverwrite, rejectFaults } from '../init/steps.ts';
import type { FileToWrite } from '../lib/atomic-file.ts';
import type { Check } from '../lib/checks.ts';
import { type ConfigFiles, configOf, SECRETS_FILE, TOOLS_FILE } from '../lib/config-files.ts';
import { type NeededSecret, neededSecrets } from '../lib/needed-secrets.ts';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import { checkProject } from './checks.ts';
import { withReach, withTexts } from './given.ts';
import type { NewKeys } from './new-keys.ts';
import { askOperator } from './operator.ts';
import { askPayee } from './payee.ts';
import type { Jurisdiction } from '../../protocol/jurisdiction.ts';
import type { ConfigEdit } from '../init/config-edit.ts';
import { tablesAt } from '../lib/wrangler-config.ts';
import { askJurisdiction } from './jurisdiction.ts';
import { draftStaging } from './staging.ts';
import { nameOf, type Project } from './project.ts';
import { askSold } from './ask-sold.ts';

/** The drafted configuration of a project, and notes for the user. */
export type Settings = {
  readonly files: readonly FileToWrite[];
  readonly checks: readonly Check[];
  /** Notes about what the sold tools still need. */
  readonly notes: readonly string[];
  /** Operations that the project does not sell, and why. */
  readonly skipped: readonly string[];
  /** The secrets that the sold tools send to the upstream; the operator must store them. */
  readonly secrets: readonly NeededSecret[];
  /** Whether the upstream is on this machine, so that the project cannot be deployed yet. */
  readonly isLocal: boolean;
};

/** Asks for every setting and drafts the files. Writes nothing. @throws CliError */
export const askSettings = async (
  session: Session,
  input: Input,
  directory: string,
  project: Project,
  keys: NewKeys,
): Promise<Settings> => {
  const { present, isNew } = project;
  // Settings of an existing project stay unless an option names another value.
  const configured = isNew ? undefined : configOf(present).config;
  const keepsPayee =
    configured !== undefined &&
    ['payTo', 'newPayTo'].every((name) => input.text(name) === undefined);
  const own = [...(configured?.payTo.values() ?? [])];
  const payee = keepsPayee
    ? undefined
    : await askPayee(session, input, keys, nameOf(directory), own);
  const sold = await askSold(session, input, { isNew, tools: isNew ? [] : toolsIn(present) });
  const texts = { payTo: payee?.address, upstream: sold?.upstream };
  const answers = await askAnswers(session, withReach(withTexts(input, texts)), configured);
  const checks = await checkProject(session, input, answers);
  if (payee?.isNew === false) await confirmPayee(session, answers.payTo, checks);
  const operators = await askOperator(session, input, answers.operators, present, keys);
  await rejectPayee(session, answers.payTo, {
    ...present,
    operators: operators ?? present.variables['OPERATORS'],
  });
  const text = sold === undefined ? undefined : textOf(sold.tools);
  const keepTools = text !== undefined || input.flag('keepTools');
  const draft = await draftFiles(
    directory,
    { ...present, tools: text ?? present.tools },
    { ...answers, operators },
    keepTools,
  );
  await confirmOverwrite(session, input, draft);
  rejectFaults(draft);
  // A project for this machine is asked by its first deployment.
  const isAsked = isNew && (answers.reach === 'public' || input.text('jurisdiction') !== undefined);
  const jurisdiction = isAsked ? await askJurisdiction(session, input) : 'none';
  const placed = jurisdiction === 'none' ? [] : placementEdits(present, jurisdiction);
  const written = withSettings(present, [...draft.edits, ...placed]);
  const production = {
    ...draft.config,
    secrets: {
      ...draft.config.secrets,
      ...(jurisdiction === 'none' ? {} : { JURISDICTION: '' }),
    },
    variables: {
      ...draft.config.variables,
      JURISDICTION: jurisdiction === 'none' ? '' : jurisdiction,
    },
    toml: written.text,
    table: written.table,
  };
  const staging = isNew ? await draftStaging(directory, production, answers) : undefined;
  const foreign: readonly ConfigEdit[] =
    staging === undefined
      ? []
      : [{ kind: 'set', path: ['vars', 'FOREIGN_KEYS'], value: staging.foreignKeys }];
  const isLocal = answers.reach === 'local_stack' && !input.flag('localStack');
  return {
    files: [
      {
        path: join(directory, present.file),
        text:
          withSettings(present, [...draft.edits, ...placed, ...foreign]).text +
          (staging?.toml ?? ''),
      },
      ...draft.files.map((file) =>
        jurisdiction !== 'none' && file.path.endsWith(SECRETS_FILE)
          ? { ...file, text: `${file.text.replace(/\n?$/, '\n')}${LOCALLY_ANYWHERE}` }
          : file,
      ),
      ...(staging === undefined ? [] : [staging.secrets]),
      ...(text === undefined ? [] : [{ path: join(directory, TOOLS_FILE), text }]),
    ],
    checks,
    notes: sold?.notes ?? [],
    skipped: sold?.skipped ?? [],
    secrets: sold === undefined ? [] : neededSecrets(sold.tools, sold.upstream),
    isLocal,
  };
};

/** `wrangler dev` reads this over wrangler.toml: its runtime has no jurisdictions. */
const LOCALLY_ANYWHERE = "JURISDICTION=''\n";

const placementEdits = (
  { table }: ConfigFiles,
  jurisdiction: Jurisdiction,
): readonly ConfigEdit[] => [
  { kind: 'set', path: ['vars', 'JURISDICTION'], value: jurisdiction },
  {
    kind: 'set',
    path: ['r2_buckets'],
    value: tablesAt(table, 'r2_buckets').map((each) => ({ ...each, jurisdiction })),
  },
];

const textOf = (tools: readonly ToolDocument[]): string =>
  `${JSON.stringify({ tools }, undefined, 2)}\n`;

/** The tools of an earlier run; an invalid file has none that an import could keep. */
const toolsIn = ({ tools }: ConfigFiles): readonly ToolDocument[] => {
  try {
    return (JSON.parse(tools ?? '') as { readonly tools: readonly ToolDocument[] }).tools;
  } catch {
    throw usageError(
      'tools.json is not valid JSON.',
      'Correct the file, e.g. with `jq . tools.json`, which shows the line, then run the command again.',
    );
  }
};
