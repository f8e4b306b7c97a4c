import { type Check, checkLines } from '../lib/checks.ts';
import { cancelled, CliError, Ended, EXIT, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import { counted } from '../lib/text.ts';
import { requireSignIn, signInOf } from './account.ts';
import { planLines, planOf, type Step } from './plan.ts';
import type { Deploying } from './resource.ts';

/** Compares what the project names with what the account has. A dry run needs no account. @throws CliError without a sign-in */
export const lookedUp = async (
  deploying: Deploying,
  isDryRun: boolean,
): Promise<readonly Step[]> => {
  const signIn = await signInOf(deploying.wrangler);
  if (!isDryRun) requireSignIn(signIn);
  return await planOf(deploying, signIn);
};

/** Without a network, a dry run states what it could not check. @throws CliError if a check failed */
export const checked = async (
  { out }: Session,
  isDryRun: boolean,
  checks: readonly Check[],
): Promise<readonly Check[]> => {
  const shown = checks.map((check): Check =>
    isDryRun && check.unreachable === true ? { ...check, status: 'skip' } : check,
  );
  const failed = shown.filter(({ status }) => status === 'fail');
  if (failed.length === 0) return shown;
  out.note(checkLines({ ...out, style: out.noteStyle }, shown));
  throw new CliError(`${counted(failed.length, 'check')} failed. Nothing left this machine.`, {
    hint: 'Correct what is marked, then run the command again.',
    code: 'checks_failed',
    details: Object.fromEntries(failed.map(({ name, says }) => [name, says])),
  });
};

export const printDryRun = (
  { out }: Session,
  checks: readonly Check[],
  plan: readonly Step[],
  isBlocked: boolean,
): void => {
  out.result({ ok: !isBlocked, dry_run: true, checks, plan }, () =>
    [
      checkLines(out, checks),
      '',
      planLines(out, plan),
      '',
      isBlocked
        ? out.style.bad('The plan cannot go before you act on what is marked.')
        : `The command changed nothing. ${out.style.accent('countersign deploy')} carries the plan out.`,
    ].join('\n'),
  );
  if (isBlocked) throw new Ended(EXIT.failed);
};

export const blocked = (plan: readonly Step[]): CliError => {
  const items = plan.filter(({ state }) => state === 'blocked');
  return new CliError('The plan cannot go yet. The command changed nothing.', {
    hint: items[0]?.hint ?? 'Act on what is marked.',
    code: 'blocked',
    details: Object.fromEntries(items.map(({ name, says = 'blocked' }) => [name, says])),
  });
};

export const confirm = async (
  { prompts }: Session,
  input: Input,
  plan: readonly Step[],
): Promise<void> => {
  if (input.flag('yes')) return;
  if (!prompts.isInteractive)
    throw usageError('The command asks before it changes anything.', 'Give --yes.');
  const made = plan.filter(({ state }) => state === 'make').length;
  const agreed = await prompts.confirm({
    message: `Carry out ${counted(made, 'step')}?`,
    instead: '--yes',
  });
  if (!agreed) throw cancelled();
};
