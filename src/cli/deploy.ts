import type { Config } from '../config/config.ts';
import { withAudience, writeAudience } from './deploy/audience.ts';
import { blocked, checked, confirm, lookedUp, printDryRun } from './deploy/consent.ts';
import { build, type Deployed, execute } from './deploy/execute.ts';
import {
  awaitOffer,
  type Offered,
  type Paid,
  payOnce,
  type Probe,
  probeOf,
} from './deploy/live.ts';
import { planLines, type Step } from './deploy/plan.ts';
import { changeShare, rollBack, sendGradually } from './deploy/gradual.ts';
import { deploySigner } from './deploy/signer.ts';
import { withJurisdiction } from './deploy/jurisdiction.ts';
import { preflight } from './deploy/preflight.ts';
import { readProject } from './deploy/project.ts';
import type { Deploying } from './deploy/resource.ts';
import { TRACE_OPTIONS, withTraces } from './deploy/traces.ts';
import { openWrangler } from './deploy/wrangler.ts';
import { JURISDICTIONS } from '../protocol/jurisdiction.ts';
import { type Check, checkLines, passed } from './lib/checks.ts';
import type { Command } from './lib/command.ts';
import { configOf } from './lib/config-files.ts';
import { usageError } from './lib/errors.ts';
import type { Input } from './lib/input.ts';
import type { Session } from './lib/session.ts';
import { isTestNetwork } from '../protocol/test-networks.ts';

const PATIENCE = 180;

export const command: Command = {
  summary:
    'check everything, create what Cloudflare lacks, deploy, and ask the gateway for its 402',
  options: [
    {
      flags: '--dry-run',
      summary: 'print the plan and change nothing; needs no account and no network',
    },
    {
      flags: '--audience <origin>',
      summary: 'origin that agents will call, written into wrangler.toml',
    },
    {
      flags: '--try <path>',
      summary: 'path and query of the call that tests the gateway (default: a paid tool)',
    },
    {
      flags: '--wait <seconds>',
      summary: `how long to wait for the live gateway (default: ${PATIENCE})`,
    },
    {
      flags: '--jurisdiction <name>',
      summary: `where Cloudflare keeps the data: ${JURISDICTIONS.join(', ')}; before the first deployment only`,
    },
    { flags: '--env <name>', summary: 'environment of wrangler.toml to deploy, e.g. staging' },
    {
      flags: '--gradual <percent>',
      summary:
        'give the new version this share of the requests; while two versions run, change the share of the newer one',
    },
    {
      flags: '--rollback',
      summary:
        'give all requests back to the version before, if it reads what the newer one writes',
    },
    ...TRACE_OPTIONS,
    { flags: '--signer', summary: 'deploy the signer of wrangler.signer.toml instead' },
    { flags: '-y, --yes', summary: 'do not ask before the first change' },
  ],
  shared: ['signer'],
  examples: [
    'countersign deploy --dry-run',
    'countersign deploy --audience https://shop.example.com --as buyer',
    'countersign deploy --env staging',
    'countersign deploy --gradual 10',
    'countersign deploy --rollback',
    'countersign deploy --signer --dry-run',
  ],
  run: async (session, input) => {
    const percentage = input.number('gradual', 1, 100);
    if (percentage !== undefined && (input.flag('rollback') || input.flag('signer')))
      throw usageError(
        '--gradual deploys the gateway and goes neither with --rollback nor with --signer.',
        'Give --gradual, --rollback or --signer alone.',
      );
    if (input.flag('rollback')) return rollBack(session, input);
    if (input.flag('signer')) return deploySigner(session, input);
    if (percentage !== undefined && (await changeShare(session, input, percentage))) return;
    const { out, directory, env, signal } = session;
    const isDryRun = input.flag('dryRun');
    const patience = input.number('wait', 0, 3_600) ?? PATIENCE;
    const environment = input.text('env');
    const named = withTraces(input, await readProject(directory, environment));
    const placed = await withJurisdiction(session, input, named);
    const project = await withAudience(session, input, placed);
    const checks = await checked(
      session,
      isDryRun,
      await session.progress.during('checking each part', async () => preflight(project, session)),
    );
    const { config } = configOf(project.files);
    const probe = config && probeOf(config, input.text('try'));
    const wrangler = openWrangler(directory, env, signal, { environment });
    const deploying: Deploying = { project, wrangler, signal };
    const [size, found] = await session.progress.during(
      'building, and asking Cloudflare',
      async () => Promise.all([build(deploying, env), lookedUp(deploying, isDryRun)]),
    );
    const plan = withShare(found, percentage);
    const send =
      percentage === undefined ? undefined : await sendGradually(wrangler, percentage, session);
    const all = [...checks, passed('build', size ?? 'the Worker builds')];
    const isBlocked = plan.some(({ state }) => state === 'blocked');
    if (isDryRun) return printDryRun(session, all, plan, isBlocked);
    const lines = [
      checkLines({ ...out, style: out.noteStyle }, all),
      '',
      planLines({ ...out, style: out.noteStyle }, plan),
    ];
    out.note(lines.join('\n'));
    if (isBlocked) throw blocked(plan);
    await confirm(session, input, plan);
    session.ifStopped(
      'Run `countersign deploy` again: it continues where it stopped and makes nothing twice.',
    );
    await writeAudience(project, signal);
    const deployed = await execute(
      { ...deploying, project: await readProject(directory, environment) },
      plan,
      session,
      send,
    );
    const live = config && probe && (await tried(session, input, config, probe, patience));
    const name = project.name;
    printResult(session, { name, config, plan, checks: all, deployed, live, percentage });
  },
};

/** The plan of a gradual deployment. */
const withShare = (plan: readonly Step[], percentage: number | undefined): readonly Step[] =>
  percentage === undefined
    ? plan
    : plan.map((step) =>
        step.step === 'Worker'
          ? { ...step, says: `a new version, with ${percentage} % of the requests` }
          : step,
      );

type Live = { readonly offer: Offered; readonly paid?: Paid };

/** Pays on test networks only, and only with a key that the user named. */
const tried = async (
  session: Session,
  input: Input,
  config: Config,
  probe: Probe,
  patience: number,
): Promise<Live> => {
  const offer = await awaitOffer(probe, config, patience, session);
  const named = input.text('as') ?? session.env['COUNTERSIGN_AS'] ?? '';
  if (named === '' || !config.networks.every(isTestNetwork)) return { offer };
  return { offer, paid: await payOnce(probe, session) };
};

type Report = {
  readonly name: string;
  readonly config: Config | undefined;
  readonly plan: readonly Step[];
  readonly checks: readonly Check[];
  readonly deployed: Deployed;
  readonly live: Live | undefined;
  /** The share of the requests that the new version has; undefined for all. */
  readonly percentage: number | undefined;
};

const printResult = (
  { out }: Session,
  { name, config, plan, checks, deployed, live, percentage = 100 }: Report,
): void => {
  const gateway = config?.audiences[0];
  const { version, targets } = deployed;
  const summary = { worker: name, gateway, version, percentage, targets };
  out.result({ ok: true, ...summary, ...live, checks, plan }, () =>
    [
      `${out.style.good('deployed')} ${name}${version === undefined ? '' : out.style.dim(` version ${version}`)}`,
      ...(percentage === 100
        ? []
        : [`It has ${percentage} % of the requests. --gradual 100 gives it all, --rollback none.`]),
      ...(live === undefined
        ? ['No tool has a price, so there is no 402 to ask for.']
        : [`${out.style.good('402')} ${live.offer.url} asks for ${live.offer.price}`]),
      ...(live?.paid === undefined
        ? []
        : [
            live.paid.status < 400
              ? `${out.style.good('paid')} one call, ${live.paid.status}, receipt verified`
              : `${out.style.warn('free')} the tool answered ${live.paid.status}, so the test call cost nothing; receipt verified`,
          ]),
      '',
      `Agents call ${out.style.accent(gateway ?? '')}`,
      out.style.dim(`countersign doctor --gateway ${gateway ?? ''} checks it at any time.`),
    ].join('\n'),
  );
};
