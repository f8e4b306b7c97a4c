import type { ReadonlySignal } from '@preact/signals';
import type { Reader } from '../../../client/management-request.ts';
import type { AccountId } from '../../../protocol/account-id.ts';

export const signedOut = (): Error => new Error('You are signed out. Sign in again.');

/**
 * Reads while an account is signed in.
 *
 * Race: a page that reads a long list may continue after another account has signed in. It must not read for that account.
 */
export const ownReader =
  (account: AccountId, self: ReadonlySignal<AccountId | undefined>, read: Reader): Reader =>
  async (request) => {
    if (self.value !== account) throw signedOut();
    return await read(request);
  };
