import { CountersignError, type ProblemBody } from '../../../client/errors.ts';

/** Why a request failed, and the next step. */
export type Problem = {
  /** The `type` of a problem of the gateway, or `UNANSWERED`. */
  readonly type?: string | undefined;
  readonly detail: string;
  readonly hint: string;
};

/** Type of the problem for a request without an answer. */
export const UNANSWERED = 'unanswered';

const FORBIDDEN = 'urn:countersign:problem:forbidden';
const UNKNOWN_ACCOUNT = 'urn:countersign:problem:unknown-account';

/** The gateway did not answer a read: the network or the gateway is down. */
export class UnansweredError extends Error {
  override readonly name = 'UnansweredError';
}

/** @throws UnansweredError if `fetch` fails, with words for people instead of the browser's "Failed to fetch" */
export const answered = async (request: Promise<Response>): Promise<Response> =>
  request.catch((cause: unknown) => {
    throw new UnansweredError('The gateway did not answer.', { cause });
  });

/** The address of the page names no account; for a person that means the same as an account that does not exist. */
const typeOf = (problem: ProblemBody | undefined): string | undefined =>
  problem?.['field'] === 'path.account' ? UNKNOWN_ACCOUNT : problem?.type;

/** Loaded on first use: only a failure needs the words for people. */
export const problemOf = async (thrown: unknown): Promise<Problem> => {
  if (thrown instanceof CountersignError) {
    const type = typeOf(thrown.problem);
    try {
      const { problemWords } = await import('./problem-words.ts');
      return { type, ...problemWords(thrown) };
    } catch {
      return { type, detail: thrown.message, hint: 'Reload the page, then try again.' };
    }
  }
  return {
    ...(thrown instanceof UnansweredError ? { type: UNANSWERED } : {}),
    detail: thrown instanceof Error ? thrown.message : 'The request failed.',
    hint: 'Check the connection, then try again.',
  };
};

/** Whether the gateway has no such account, or the reader may not see it. The gateway answers both alike. */
export const isUnknown = ({ type }: Problem): boolean => type === UNKNOWN_ACCOUNT;

/** Whether the reader may not see it, or no longer may, e.g. a removed operator. */
export const isWithheld = (problem: Problem): boolean =>
  problem.type === FORBIDDEN || isUnknown(problem);

export const isUnknownAccount = (thrown: unknown): boolean =>
  thrown instanceof CountersignError && typeOf(thrown.problem) === UNKNOWN_ACCOUNT;

/** The same as one text. */
export const problemText = async (thrown: unknown): Promise<string> => {
  const { detail, hint } = await problemOf(thrown);
  return `${detail} ${hint}`;
};
