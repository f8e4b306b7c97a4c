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
import { deploySigner } from './deploy/signer.ts';
import { preflight } from './deploy/preflight.ts';
import { readProject } from './deploy/project.ts';
import type { Deploying } from './deploy/resource.ts';
import { openWrangler } from './deploy/wrangler.ts';
import { type Check, checkLines, passed } from './lib/checks.ts';
import type { Command } from './lib/command.ts';
import { configOf } from './lib/config-files.ts';
import type { Input } from './lib/input.ts';
import type { Session } from './lib/session.ts';
import { isTestNetwork } from './lib/test-networks.ts';

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
    { flags: '--signer', summary: 'deploy the signer of wrangler.signer.toml instead' },
    { flags: '-y, --yes', summary: 'do not ask before the first change' },
  ],
  shared: ['signer'],
  examples: [
    'countersign deploy --dry-run',
    'countersign deploy --audience https://shop.example.com --as buyer',
    'countersign deploy --signer --dry-run',
  ],
  run: async (session, input) => {
    if (input.flag('signer')) return deploySigner(session, input);
    const { out, directory, env, signal } = session;
    const isDryRun = input.flag('dryRun');
    const patience = input.number('wait', 0, 3_600) ?? PATIENCE;
    const project = await withAudience(session, input, await readProject(directory));
    const checks = await checked(
      session,
      isDryRun,
      await session.progress.during('checking each part', async () => preflight(project, session)),
    );
    const { config } = configOf(project.files);
    const probe = config && probeOf(config, input.text('try'));
    const wrangler = openWrangler(directory, env, signal);
    const deploying: Deploying = { project, wrangler, signal };
    const [size, plan] = await session.progress.during(
      'building, and asking Cloudflare',
      async () => Promise.all([build(deploying, env), lookedUp(deploying, isDryRun)]),
    );
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
      { ...deploying, project: await readProject(directory) },
      plan,
      session,
    );
    const live = config && probe && (await tried(session, input, config, probe, patience));
    printResult(session, { name: project.name, config, plan, checks: all, deployed, live });
  },
};

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
};

const printResult = (
  { out }: Session,
  { name, config, plan, checks, deployed, live }: Report,
): void => {
  const gateway = config?.audiences[0];
  const { version, targets } = deployed;
  out.result({ ok: true, worker: name, gateway, version, targets, ...live, checks, plan }, () =>
    [
      `${out.style.good('deployed')} ${name}${version === undefined ? '' : out.style.dim(` version ${version}`)}`,
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
