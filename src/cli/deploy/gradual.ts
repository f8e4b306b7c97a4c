import { CONFIG_FILE } from '../lib/config-files.ts';
import { cancelled, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import { SIGNER_CONFIG } from '../signer/project.ts';
import { requireSignIn, signInOf } from './account.ts';
import { type Deployed, uploadVersion } from './execute.ts';
import type { Deploying } from './resource.ts';
import {
  besideWhom,
  nextShareOf,
  printShift,
  rollbackOf,
  type Shift,
  shiftRequests,
} from './rollout.ts';
import { openWrangler, type Wrangler } from './wrangler.ts';

const MESSAGE = 'countersign deploy';

/** Opens wrangler for a project whose Worker is deployed. @throws CliError without a sign-in */
const signedIn = async (
  { directory, env, signal }: Session,
  config: string,
  environment: string | undefined,
): Promise<Wrangler> => {
  const wrangler = openWrangler(directory, env, signal, { config, environment });
  requireSignIn(await signInOf(wrangler));
  return wrangler;
};

const carryOut = async (
  session: Session,
  input: Input,
  wrangler: Wrangler,
  shift: Shift,
): Promise<void> => {
  const isDryRun = input.flag('dryRun');
  if (!isDryRun) {
    await agreed(session, input, shift);
    await session.progress.during('asking Cloudflare', async () =>
      shiftRequests(wrangler, shift, MESSAGE),
    );
  }
  printShift(session, shift, isDryRun);
};

const agreed = async ({ prompts }: Session, input: Input, shift: Shift): Promise<void> => {
  if (input.flag('yes')) return;
  if (!prompts.isInteractive)
    throw usageError('The command asks before it changes anything.', 'Give --yes.');
  const message = `Give version ${shift.to.id} ${shift.percentage} % of the requests?`;
  if (!(await prompts.confirm({ message, instead: '--yes' }))) throw cancelled();
};

/** Gives all requests back to the version before. D1 keeps its schema, and objects keep what they have written. */
export const rollBack = async (session: Session, input: Input): Promise<void> => {
  const wrangler = await signedIn(
    session,
    input.flag('signer') ? SIGNER_CONFIG : CONFIG_FILE,
    input.text('env'),
  );
  const shift = await session.progress.during('reading the versions', async () =>
    rollbackOf(wrangler),
  );
  await carryOut(session, input, wrangler, shift);
};

/** Changes the share of the newer of two running versions. @returns false if one version has all requests: then a new one is uploaded */
export const changeShare = async (
  session: Session,
  input: Input,
  percentage: number,
): Promise<boolean> => {
  const wrangler = await signedIn(session, CONFIG_FILE, input.text('env'));
  const shift = await session.progress.during('reading the versions', async () =>
    nextShareOf(wrangler, percentage),
  );
  if (shift === undefined) return false;
  await carryOut(session, input, wrangler, shift);
  return true;
};

/**
 * Returns a function that uploads the Worker and gives it a share of the requests.
 *
 * @throws CliError unless this code and the deployed version each read what the other writes
 */
export const sendGradually = async (
  wrangler: Wrangler,
  percentage: number,
  { progress }: Pick<Session, 'progress'>,
): Promise<(deploying: Deploying) => Promise<Deployed>> => {
  const from = await progress.during('reading the versions', async () => besideWhom(wrangler));
  return async (deploying) => {
    const deployed = await uploadVersion(deploying);
    const to = { ...from, id: deployed.version ?? '' };
    await shiftRequests(wrangler, { to, from, percentage }, MESSAGE);
    return deployed;
  };
};
