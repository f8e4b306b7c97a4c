import { isProblem, problemIn } from '../../../client/errors.ts';
import { isForLater } from '../../../client/exchange.ts';
import { isUndecided } from '../../../client/management-request.ts';
import type { StoredCommand } from './signed-command.ts';

const TIMEOUT_MS = 30_000;

/** The outcome of a command according to an answer. `received`: the gateway got an earlier attempt. `open`: the outcome is unknown. */
export type CommandAnswer =
  | { readonly is: 'done' | 'received' | 'expired' | 'open' }
  | { readonly is: 'refused'; readonly why: string };

/** Reads an answer as the client does. @param isRepeat whether the command was sent before */
export const answerOfCommand = async (
  command: Pick<StoredCommand, 'headers'>,
  response: Response,
  isRepeat: boolean,
): Promise<CommandAnswer> => {
  if (response.ok) return { is: 'done' };
  const problem = await problemIn(response, TIMEOUT_MS);
  // The gateway stores a grant in two steps, and the same document completes it.
  const isHalfStored = command.headers['agent-intent'] === undefined && response.status >= 500;
  const isOpen =
    response.status === 0 ||
    isHalfStored ||
    isForLater(response, problem) ||
    isUndecided(response, problem, isRepeat);
  if (isOpen) return { is: 'open' };
  if (isProblem(problem, 'already-used')) return { is: 'received' };
  if (isProblem(problem, 'expired')) return { is: 'expired' };
  const why = problem?.detail ?? problem?.title ?? `The gateway answered ${response.status}.`;
  return { is: 'refused', why };
};
