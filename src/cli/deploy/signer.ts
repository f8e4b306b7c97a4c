import { textAt, tablesAt } from '../lib/wrangler-config.ts';
import { checkLines, passed } from '../lib/checks.ts';
import { CliError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import { parseJurisdiction } from '../../protocol/jurisdiction.ts';
import { signerConfigChecks, signerPublicChecks } from '../signer/checks.ts';
import { readSignerProject, SIGNER_CONFIG, type SignerProject } from '../signer/project.ts';
import { blocked, checked, confirm, lookedUp, printDryRun } from './consent.ts';
import { build, execute } from './execute.ts';
import { planLines } from './plan.ts';
import type { Project } from './project.ts';
import type { Deploying } from './resource.ts';
import { openWrangler } from './wrangler.ts';

/** Deploys the signer that `countersign signer init` configured: checks, creates what Cloudflare lacks, uploads the Worker. */
export const deploySigner = async (session: Session, input: Input): Promise<void> => {
  const { out, directory, env, signal } = session;
  const isDryRun = input.flag('dryRun');
  const signer = await openSignerProject(directory);
  const checks = await checked(session, isDryRun, [
    ...signerPublicChecks(signer),
    ...signerConfigChecks(signer),
  ]);
  const wrangler = openWrangler(directory, env, signal, { config: SIGNER_CONFIG });
  const deploying: Deploying = { project: projectOf(directory, signer), wrangler, signal };
  const [size, plan] = await session.progress.during('building, and asking Cloudflare', async () =>
    Promise.all([build(deploying, env), lookedUp(deploying, isDryRun)]),
  );
  const all = [...checks, passed('build', size ?? 'the Worker builds')];
  const isBlocked = plan.some(({ state }) => state === 'blocked');
  if (isDryRun) return printDryRun(session, all, plan, isBlocked);
  const painted = { ...out, style: out.noteStyle };
  out.note([checkLines(painted, all), '', planLines(painted, plan)].join('\n'));
  if (isBlocked) throw blocked(plan);
  await confirm(session, input, plan);
  session.ifStopped(
    'Run `countersign deploy --signer` again: it continues where it stopped and makes nothing twice.',
  );
  const { version, targets } = await execute(deploying, plan, session);
  const { SIGNER_ORIGIN: origin = '' } = signer.variables;
  const { name } = deploying.project;
  out.result({ ok: true, worker: name, signer: origin, version, targets, checks: all, plan }, () =>
    [
      `${out.style.good('deployed')} ${name}`,
      `Owners enrol agents: ${out.style.accent(`countersign signer enrol <name> --signer ${origin}`)}`,
      out.style.dim('Keep a copy of SIGNER_KEY offline: the wallets are lost without it.'),
    ].join('\n'),
  );
};

const openSignerProject = async (directory: string): Promise<SignerProject> => {
  const read = await readSignerProject(directory);
  if (read?.ok === true) return read.value;
  throw new CliError(
    read === undefined ? `This directory has no ${SIGNER_CONFIG}.` : `${read.error}.`,
    {
      hint:
        read === undefined
          ? '`countersign signer init --owner <address> --origin <origin>` writes it.'
          : 'Correct the file and run the command again.',
      code: 'no_project',
    },
  );
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const projectOf = (directory: string, signer: SignerProject): Project => {
  const { table } = signer;
  const [database] = tablesAt(table, 'd1_databases');
  const id = database === undefined ? undefined : textAt(database, 'database_id');
  const queues = (['producers', 'consumers'] as const).flatMap((kind) =>
    tablesAt(table, 'queues', kind).map((each) => textAt(each, 'queue')),
  );
  return {
    directory,
    files: signer,
    name: textAt(table, 'name') ?? '',
    database: {
      name: (database && textAt(database, 'database_name')) ?? '',
      id: id !== undefined && UUID.test(id) ? id : undefined,
    },
    queues: [...new Set(queues.filter((queue) => queue !== undefined))],
    buckets: [],
    bucketJurisdiction: undefined,
    jurisdiction: parseJurisdiction(signer.variables['JURISDICTION']?.trim() ?? '') ?? 'none',
    environment: undefined,
    hosts: [],
    isCheckout: false,
    config: SIGNER_CONFIG,
    secretsOf: ({ secrets }) => [
      'SIGNER_KEY',
      ...Object.keys(secrets).filter((each) => each !== 'SIGNER_KEY'),
    ],
  };
};
