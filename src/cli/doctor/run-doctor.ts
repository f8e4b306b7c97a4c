import { openSigner } from '../../crypto/signer.ts';
import { chainChecks } from '../lib/chain-checks.ts';
import { type Check, skipped } from '../lib/check.ts';
import { checkLines } from '../lib/check-lines.ts';
import type { Input } from '../lib/command.ts';
import { Ended } from '../lib/ended.ts';
import { usageError } from '../lib/errors.ts';
import { EXIT } from '../lib/exit-code.ts';
import { upstreamCheck } from '../lib/service-checks.ts';
import { openManagement } from '../lib/management.ts';
import type { Session } from '../lib/session.ts';
import type { Output } from '../lib/output.ts';
import { counted, wrapped } from '../lib/text.ts';
import { backendChecks } from './backend-checks.ts';
import { readSubject, type Subject } from './config-check.ts';
import { facilitatorChecks } from './facilitator-checks.ts';
import { gatewayChecks } from './gateway-checks.ts';
import { queueCheck } from './queue-check.ts';

/** `doctor`: looks at each part, and says what to do about what is wrong. */
export const runDoctor = async (session: Session, input: Input): Promise<void> => {
  const { out, profile, progress, directory } = session;
  const subject = await readSubject(directory, await profile.stack());
  const gateway = (await profile.gatewayIfAny()) ?? subject.gateway;
  const groups = await progress.during('looking at each part', async () =>
    Promise.all([
      ...subject.chains.map(async ({ network, url }) => chainChecks(network, url, session.now)),
      facilitatorChecks(subject, session.signal),
      upstreamChecks(subject, session.signal),
      gateway === undefined
        ? [noGateway]
        : gatewayChecks(gateway, await kidOf(subject), session.signal),
    ]),
  );
  const queues = gateway === undefined ? [] : await askedQueues(session, input, gateway);
  const checks = [...subject.checks, ...groups.flat(), ...queues];
  const failed = checks.filter(({ status }) => status === 'fail').length;
  const warned = checks.filter(({ status }) => status === 'warn').length;
  if (checks.every(({ status }) => status === 'skip')) {
    throw usageError(
      'There is nothing to look at from here.',
      'Run it in the directory of a gateway, or give --gateway <origin>.',
    );
  }
  out.result({ ok: failed === 0, checks }, () =>
    [checkLines(out, checks), '', verdictOf(out, failed, warned)].join('\n'),
  );
  if (failed > 0) throw new Ended(EXIT.failed);
};

const verdictOf = ({ style, width }: Output, failed: number, warned: number): string => {
  if (failed > 0) return style.bad(`${counted(failed, 'part')} must be put right.`);
  if (warned === 0) return style.good('All is well.');
  return style.warn(
    wrapped(`Nothing is broken; ${counted(warned, 'part')} may want a look.`, width),
  );
};

const noGateway = skipped('gateway', 'none is named', 'Give --gateway to look at one.');

const upstreamChecks = async (
  { upstream }: Subject,
  signal: AbortSignal,
): Promise<readonly Check[]> =>
  upstream === undefined ? [] : [await upstreamCheck(upstream, signal)];

const kidOf = async ({ receiptKey }: Subject): Promise<string | undefined> => {
  if (receiptKey === undefined) return undefined;
  const signer = await openSigner(receiptKey);
  return signer.ok ? signer.value.kid : undefined;
};

/** Only with a key that was named, or that of a local stack: nobody is asked for a password unawares. */
const askedQueues = async (
  session: Session,
  input: Input,
  gateway: string,
): Promise<readonly Check[]> => {
  const { profile, env } = session;
  const named = input.text('as') ?? env['COUNTERSIGN_AS'] ?? '';
  const stack = await profile.stack();
  if (named === '' && stack?.gateway !== gateway) {
    return [skipped('queues', 'only an operator may ask', 'Give --as <key of an operator>.')];
  }
  const management = await openManagement(session, 'operator', gateway);
  return [
    await queueCheck(management, session.now(), session.signal),
    ...(await backendChecks(management, session.signal)),
  ];
};
