import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { WireFault } from '../protocol/fault.ts';
import { commitmentOf, parseRetryKey, RETRY_KEY_HEADER } from '../protocol/intent/retry-key.ts';

export type RetryKeyFault =
  | WireFault
  | { readonly reason: 'retry_key_mismatch'; readonly field: string; readonly hint: string };

/**
 * Whether a request shows the secret that its intent's nonce commits to. Only this yes or no goes on; the secret does not. A wrong
 * one is refused before the account is asked, so that nobody can try guesses there.
 *
 * @param nonce of the intent; undefined where the request carries none.
 */
export const checkRetryKey = (
  headers: Headers,
  nonce: Hex | undefined,
): Result<boolean, RetryKeyFault> => {
  const text = headers.get(RETRY_KEY_HEADER);
  if (text === null) return ok(false);
  const refuse = (hint: string): Result<boolean, RetryKeyFault> =>
    err({ reason: 'retry_key_mismatch', field: RETRY_KEY_HEADER, hint });
  const secret = parseRetryKey(text);
  if (!secret.ok) return secret;
  // Without an intent the header protects nothing, and a client that sends it gives its secret away.
  if (nonce === undefined) return refuse('comes without an AgentIntent that it could belong to');
  return commitmentOf(secret.value) === nonce
    ? ok(true)
    : refuse('is not the secret that the nonce of the AgentIntent commits to');
};
