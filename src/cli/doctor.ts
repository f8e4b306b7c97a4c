import { openSigner } from '../crypto/signer.ts';
import { cardChecks } from './doctor/card-checks.ts';
import { readTarget, type Target } from './doctor/config-checks.ts';
import { backendChecks, gatewayChecks, queueCheck } from './doctor/gateway-checks.ts';
import { environmentChecks } from './doctor/environment-checks.ts';
import { regionChecks } from './doctor/region-checks.ts';
import { logChecks } from './doctor/log-checks.ts';
import { secretChecks } from './doctor/secret-checks.ts';
import { movingChecks } from './doctor/moving-checks.ts';
import { partsOf } from './doctor/part-checks.ts';
import { type Part, runParts } from './doctor/run-parts.ts';
import { openAdmin } from './lib/admin-client.ts';
import { type Check, checkLines, skipped } from './lib/checks.ts';
import type { Command } from './lib/command.ts';
import { Ended, EXIT, usageError } from './lib/errors.ts';
import type { Input } from './lib/input.ts';
import type { Output } from './lib/output.ts';
import { homeOf, type Session } from './lib/session.ts';
import { signerChecks } from './signer/checks.ts';
import { counted, wrapped } from './lib/text.ts';

export const command: Command = {
  summary: 'check settings, chain, facilitators, upstream, gateway, queues and open money',
  options: [
    { flags: '--env <name>', summary: 'environment of wrangler.toml to check, e.g. staging' },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign doctor',
    'countersign doctor --env staging',
    'countersign doctor --gateway https://gateway.example --as ops',
  ],
  run: async (session, input) => {
    const { out, profile, directory, env, signal, now } = session;
    const environment = input.text('env');
    const target = await readTarget(directory, await profile.stack(), environment);
    // An environment is checked at its own audience, unless --gateway names another.
    const gateway =
      environment === undefined || input.text('gateway') !== undefined
        ? ((await profile.gatewayIfAny()) ?? target.gateway)
        : target.gateway;
    // Asks for the password, if one is needed, before the first line.
    const operator =
      gateway === undefined ? [] : await operatorParts(session, input, gateway, target);
    const report = (checks: readonly Check[]): void => {
      if (!out.json) out.item(undefined, () => checkLines(out, checks, LABEL));
    };
    const parts: readonly Part[] = [
      { name: 'configuration', check: async () => target.checks },
      { name: 'environments', check: async () => environmentChecks(directory, environment) },
      {
        name: 'region',
        // wrangler runs five times.
        limitMs: 60_000,
        check: async (until) => regionChecks(directory, environment, env, until),
      },
      ...partsOf(target, now),
      ...(gateway === undefined
        ? [{ name: 'gateway', check: async () => [NO_GATEWAY] }]
        : gatewayParts(gateway, target, homeOf(env))),
      { name: 'signer', check: async (until) => signerChecks(directory, until) },
      ...operator,
    ];
    const checks = await runParts(parts, signal, report);
    if (checks.every(({ status }) => status === 'skip')) {
      throw usageError(
        'The command finds nothing to check from here.',
        'Run it in the directory of a gateway, or give --gateway <origin>.',
      );
    }
    const countOf = (wanted: Check['status']): number =>
      checks.filter(({ status }) => status === wanted).length;
    const failed = countOf('fail');
    out.result(
      { ok: failed === 0, checks },
      () => `\n${verdictText(out, failed, countOf('warn'))}`,
    );
    if (failed > 0) throw new Ended(EXIT.failed);
  },
};

/** Columns of the names: lines are printed before all names are known. */
const LABEL = 21;

const NO_GATEWAY = skipped('gateway', 'no gateway is configured', 'Give --gateway to check one.');

const gatewayParts = (gateway: string, target: Target, home: string): readonly Part[] => [
  {
    name: 'gateway',
    check: async (signal) => gatewayChecks(gateway, await kidOf(target), signal),
  },
  { name: 'transparency log', check: async (signal) => logChecks(gateway, home, signal) },
];

const verdictText = ({ style, width }: Output, failed: number, warned: number): string => {
  if (failed > 0) return style.bad(`${counted(failed, 'check')} failed.`);
  if (warned === 0) return style.good('All checks passed.');
  return style.warn(wrapped(`No check failed; ${counted(warned, 'warning')} to look at.`, width));
};

const kidOf = async ({ receiptKey }: Target): Promise<string | undefined> => {
  if (receiptKey === undefined) return undefined;
  const signer = await openSigner(receiptKey);
  return signer.ok ? signer.value.kid : undefined;
};

/** Runs only with a named key or that of a local stack: `doctor` must not ask for a password unexpectedly. */
const operatorParts = async (
  session: Session,
  input: Input,
  gateway: string,
  { config }: Target,
): Promise<readonly Part[]> => {
  const { profile, env, now } = session;
  const named = input.text('as') ?? env['COUNTERSIGN_AS'] ?? '';
  const stack = await profile.stack();
  if (named === '' && stack?.gateway !== gateway) {
    const hint = 'Give --as <key of an operator>.';
    const check = skipped('queues', 'only an operator may read them', hint);
    return [{ name: 'queues', check: async () => [check] }];
  }
  const management = (await openAdmin(session, 'operator', gateway)).management();
  const upstream = stack?.gateway === gateway ? stack.upstream : '';
  return [
    { name: 'queues', check: async (signal) => [await queueCheck(management, now(), signal)] },
    { name: 'backends', check: async (signal) => backendChecks(management, now(), signal) },
    { name: 'secrets', check: async (signal) => secretChecks(management, upstream, signal) },
    {
      name: 'former values',
      check: async (signal) => movingChecks(management, config, now(), signal),
    },
    { name: 'cards', check: async (signal) => cardChecks(management, gateway, signal) },
  ];
};
