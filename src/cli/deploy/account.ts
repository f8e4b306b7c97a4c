import * as z from 'zod/mini';
import { CliError, EXIT } from '../lib/errors.ts';
import { jsonIn, reasonIn, type Wrangler } from './wrangler.ts';

/** Whether wrangler reaches a Cloudflare account. */
export type SignIn =
  | { readonly state: 'signed_in' }
  | { readonly state: 'signed_out' }
  | { readonly state: 'unreachable'; readonly why: string };

const whoamiSchema = z.looseObject({ loggedIn: z.boolean() });

export const signInOf = async (wrangler: Wrangler): Promise<SignIn> => {
  const ran = await wrangler.attempt(['whoami', '--json']);
  const read = whoamiSchema.safeParse(jsonIn(ran.stdout));
  if (!read.success) return { state: 'unreachable', why: reasonIn(ran) };
  return { state: read.data.loggedIn ? 'signed_in' : 'signed_out' };
};

/** @throws CliError unless wrangler reaches an account */
export const requireSignIn = (signIn: SignIn): void => {
  if (signIn.state === 'signed_out')
    throw new CliError('wrangler is not signed in to Cloudflare. The command changed nothing.', {
      hint: '`npx wrangler login`, or set CLOUDFLARE_API_TOKEN; then run the command again.',
      exit: EXIT.unauthorised,
      code: 'signed_out',
    });
  if (signIn.state === 'unreachable')
    throw new CliError(`wrangler cannot use Cloudflare: ${signIn.why}`, {
      hint: 'Check your network and CLOUDFLARE_API_TOKEN. The command changed nothing.',
      exit: EXIT.network,
      code: 'cloudflare_unreachable',
    });
};
