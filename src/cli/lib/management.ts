import { createManagement, type Management } from '../../client/management.ts';
import type { StackRole } from './profile.ts';
import type { Session } from './session.ts';

/**
 * The management API of the gateway that is meant, asked by whoever `--as` names; of a local stack by the one of this role. What it
 * refuses is thrown, and told by `run` with its rule, limit and hint.
 *
 * @throws CliError
 */
export const openManagement = async (
  { profile }: Pick<Session, 'profile'>,
  role: StackRole,
  gateway?: string,
): Promise<Management> => {
  const origin = gateway ?? (await profile.gateway());
  return createManagement({ gateway: origin, account: await profile.signer(role, origin) });
};
