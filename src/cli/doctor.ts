import { openSigner } from '../crypto/signer.ts';
import { cardChecks } from './doctor/card-checks.ts';
import { readTarget, type Target } from './doctor/config-checks.ts';
import { backendChecks, gatewayChecks, queueCheck } from './doctor/gateway-checks.ts';
import { logChecks } from './doctor/log-checks.ts';
import { secretChecks } from './doctor/secret-checks.ts';
import { movingChecks } from './doctor/moving-checks.ts';
import { partChecks } from './doctor/part-checks.ts';
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
  shared: ['gateway', 'signer'],
  examples: ['countersign doctor', 'countersign doctor --gateway https://gateway.example --as ops'],
  run: async (session, input) => {
    const { out, profile, progress, directory, env, signal } = session;
    const target = await readTarget(directory, await profile.stack());
    const gateway = (await profile.gatewayIfAny()) ?? target.gateway;
    const groups = await progress.during('checking each part', async () =>
      Promise.all([
        partChecks(target, session),
        gateway === undefined
          ? [skipped('gateway', 'no gateway is configured', 'Give --gateway to check one.')]
          : gatewayChecks(gateway, await kidOf(target), signal),
        gateway === undefined ? [] : logChecks(gateway, homeOf(env), signal),
        signerChecks(directory, signal),
      ]),
    );
    const operator =
      gateway === undefined ? [] : await operatorChecks(session, input, gateway, target);
    const checks = [...target.checks, ...groups.flat(), ...operator];
    if (checks.every(({ status }) => status === 'skip')) {
      throw usageError(
        'The command finds nothing to check from here.',
        'Run it in the directory of a gateway, or give --gateway <origin>.',
      );
    }
    const countOf = (wanted: Check['status']): number =>
      checks.filter(({ status }) => status === wanted).length;
    const failed = countOf('fail');
    out.result({ ok: failed === 0, checks }, () =>
      [checkLines(out, checks), '', verdictText(out, failed, countOf('warn'))].join('\n'),
    );
    if (failed > 0) throw new Ended(EXIT.failed);
  },
};

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
const operatorChecks = async (
  session: Session,
  input: Input,
  gateway: string,
  { config }: Target,
): Promise<readonly Check[]> => {
  const { profile, env, signal, now } = session;
  const named = input.text('as') ?? env['COUNTERSIGN_AS'] ?? '';
  const stack = await profile.stack();
  if (named === '' && stack?.gateway !== gateway)
    return [skipped('queues', 'only an operator may read them', 'Give --as <key of an operator>.')];
  const management = (await openAdmin(session, 'operator', gateway)).management();
  return [
    await queueCheck(management, now(), signal),
    ...(await backendChecks(management, signal)),
    ...(await secretChecks(management, signal)),
    ...(await movingChecks(management, config, now(), signal)),
    ...(await cardChecks(management, gateway, signal)),
  ];
};
