import { CountersignError, problemIn } from '../../../client/errors.ts';
import { isRecord, readJsonBody } from '../../../client/json.ts';

const MAX_ANSWER = 65_536;
const TIMEOUT_MS = 30_000;

const lost = (more: ConstructorParameters<typeof CountersignError>[2]): CountersignError =>
  new CountersignError('command_lost', 'The gateway did not answer.', more);

/**
 * Sends a document whose own signature authorises it, so that no other proof is needed.
 *
 * @param send keeps the document until its answer is known
 * @throws CountersignError `refused`; `command_lost` if the gateway may have stored it
 */
export const sendDocument = async (
  method: 'PUT' | 'POST',
  path: string,
  body: unknown,
  send: typeof fetch,
): Promise<Readonly<Record<string, unknown>>> => {
  const response = await send(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    cache: 'no-store',
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: unknown) => {
    // The document did not leave the page.
    if (cause instanceof CountersignError) throw cause;
    throw lost({ cause });
  });
  // The gateway stores a grant in two steps, and the same document completes it. Another one would grant a second budget.
  if (response.status >= 500) throw lost({ response });
  if (response.ok) {
    const answer = await readJsonBody(response, MAX_ANSWER, TIMEOUT_MS);
    return isRecord(answer) ? answer : {};
  }
  const problem = await problemIn(response, TIMEOUT_MS);
  const why = problem?.detail ?? problem?.title ?? `The gateway answered ${response.status}.`;
  throw new CountersignError('refused', why, {
    response,
    ...(problem === undefined ? {} : { problem }),
  });
};
