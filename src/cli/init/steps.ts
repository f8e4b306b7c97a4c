import {
  chainChecks,
  type Check,
  checkLines,
  facilitatorCheck,
  upstreamCheck,
} from '../lib/checks.ts';
import { configOf } from '../lib/config-files.ts';
import { cancelled, CliError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import type { Answers } from './answers.ts';
import type { Draft } from './files.ts';
import { payeeCheck } from './payee-check.ts';

/**
 * Checks node, token, receiving address, facilitator and upstream, as far as they are new, unless --skip-checks. @throws CliError if one
 * fails
 */
export const checkAnswers = async (
  session: Session,
  input: Input,
  answers: Answers,
): Promise<readonly Check[]> => {
  const { out } = session;
  const checks = input.flag('skipChecks') ? [] : await runChecks(session, answers);
  const failed = checks.filter(({ status }) => status === 'fail');
  if (failed.length === 0) return checks;
  out.note(checkLines({ ...out, style: out.noteStyle }, checks));
  throw new CliError('A check failed. The command wrote nothing.', {
    hint: 'Correct it and run the command again; --skip-checks writes without checks.',
    code: 'checks_failed',
    details: Object.fromEntries(failed.map(({ name, says }) => [name, says])),
  });
};

const runChecks = async (
  { progress, signal, now }: Session,
  { network, rpc, upstream, facilitator, payTo, kept }: Answers,
): Promise<readonly Check[]> =>
  await progress.during('checking each part', async () => {
    const [chain, payee, settlement, tool] = await Promise.all([
      kept.has('RPC_URLS') ? [] : chainChecks(network.network, rpc, now),
      kept.has('PAY_TO') ? undefined : payeeCheck(network.network, rpc, payTo),
      kept.has('FACILITATORS')
        ? undefined
        : facilitatorCheck(facilitator, [network.network], signal),
      upstream && upstreamCheck(upstream.origin, signal),
    ]);
    return [
      ...chain,
      ...(payee === undefined ? [] : [payee]),
      // A facilitator that is down now may be up when the gateway needs it. A wrong chain or token stays wrong.
      ...(settlement === undefined
        ? []
        : [settlement.status === 'fail' ? { ...settlement, status: 'warn' as const } : settlement]),
      ...(tool === undefined ? [] : [tool]),
    ];
  });

export const confirmOverwrite = async (
  { prompts }: Session,
  input: Input,
  { lost }: Draft,
): Promise<void> => {
  if (lost.length === 0 || input.flag('force')) return;
  const what = lost.join(', ');
  if (!prompts.isInteractive) {
    throw new CliError(`The command would overwrite what you edited: ${what}.`, {
      hint: 'Give --force to overwrite it, or --keep-tools to keep tools.json. The command wrote nothing.',
      code: 'would_overwrite',
    });
  }
  const agreed = await prompts.confirm({
    message: `Overwrite what you edited? ${what}`,
    instead: '--force',
  });
  if (!agreed) throw cancelled('The command wrote nothing.');
};

/** @throws CliError if the gateway would reject the drafted configuration */
export const rejectFaults = ({ config }: Draft): void => {
  const { faults } = configOf(config);
  if (faults.length === 0) return;
  throw new CliError('The gateway would reject this configuration. The command wrote nothing.', {
    hint: 'Correct these values in wrangler.toml or tools.json and run the command again.',
    code: 'misconfigured',
    details: Object.fromEntries(faults.map(({ name, reason }) => [name, reason])),
  });
};
