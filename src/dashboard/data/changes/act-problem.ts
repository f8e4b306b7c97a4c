import { CountersignError } from '../../../client/errors.ts';
import { walletRefusal } from '../../session/wallet-refusal.ts';
import { problemText } from '../gateway/problem.ts';

/** Stops a change before the dashboard asks the wallet. The form marks each field that is missing or wrong. */
export class IncompleteForm extends Error {
  override readonly message = 'Correct the marked fields, then try again.';
}

/** Explains why a change failed: a field of the form, the wallet's refusal, or the gateway's. @param network name of the network of the session */
export const actProblem = async (thrown: unknown, network: string): Promise<string> => {
  if (thrown instanceof IncompleteForm) return thrown.message;
  // Check the code: other errors have a cause too, and after `command_lost` the change may have happened.
  if (!(thrown instanceof CountersignError) || thrown.code !== 'signer_failed') {
    return problemText(thrown);
  }
  const { text, hint } = walletRefusal(thrown.cause, network);
  return `${text} The gateway did not receive this change. ${hint}`;
};

/** Whether the gateway stores another version than the one that a change replaces (412). */
export const isVersionConflict = (thrown: unknown): boolean =>
  thrown instanceof CountersignError && thrown.response?.status === 412;
