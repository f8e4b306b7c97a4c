import type { RemoteAccount, RemoteAccountOptions } from './remote-signing.ts';

/**
 * Creates an account whose key stays in another service. Before the client uses a signature, it checks that the account signed exactly
 * the requested data, except for a contract account. A request to the service ends after about 30 s. With `key`, the service is a
 * Countersign signer: requests are signed, refusals name the rule, and a request without an answer is repeated.
 *
 * @throws CountersignError `signer_refused`, `signer_failed`, `options_invalid`
 */
export const remoteAccount = async (options: RemoteAccountOptions): Promise<RemoteAccount> => {
  // Loaded on first use, because most agents hold their key themselves.
  const { openRemoteAccount } = await import('./remote-signing.ts');
  return await openRemoteAccount(options);
};
