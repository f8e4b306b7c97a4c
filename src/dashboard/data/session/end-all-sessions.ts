import { CountersignError, problemIn } from '../../../client/errors.ts';
import { readOutgoing } from '../../../client/outgoing.ts';
import { signQuestion, windowAt } from '../../../client/proof.ts';
import type { Signer } from '../../../client/signer.ts';
import type { Seconds } from '../../../core/clock.ts';
import { ZERO_ADDRESS } from '../../../core/hex.ts';
import { network } from '../../../protocol/account-id.ts';
import { withTimeout } from '../gateway/request-timeout.ts';
import { UnansweredError } from '../gateway/problem.ts';

const TOOL = 'countersign.session.end';

const LOST =
  'The gateway did not answer, so it may have ended the sessions or not. If it has, this page asks you to sign in when it reads next.';

/**
 * Ends all sessions of a wallet at the gateway, on its network (docs/wire-format.md §21).
 *
 * The command is sent once and not kept: the gateway carries out each copy, so a later copy would end sessions that began meanwhile.
 *
 * @param gateway its origin
 * @throws CountersignError `signer_failed`, `refused`
 * @throws UnansweredError if the gateway may have carried it out
 */
export const endAllSessions = async (
  { signer, chainId }: { readonly signer: Signer; readonly chainId: number },
  gateway: string,
  now: Seconds,
): Promise<void> => {
  const outgoing = await readOutgoing(`${gateway}/session`, { method: 'DELETE' });
  const { header } = await signQuestion(signer, outgoing, network(chainId), {
    audience: gateway,
    tool: TOOL,
    payTo: ZERO_ADDRESS,
    asset: ZERO_ADDRESS,
    maxAmount: 0n,
    ...windowAt(now),
  });
  const { url, method } = outgoing;
  const headers = new Headers([[...header]]);
  const response = await withTimeout(undefined, async (signal) =>
    fetch(url, { method, headers, cache: 'no-store', redirect: 'manual', signal }),
  ).catch((cause: unknown) => {
    throw new UnansweredError(LOST, { cause });
  });
  if (response.status === 204) return;
  const problem = await problemIn(response);
  // A proxy answered, and may have dropped the gateway's answer.
  if (problem === undefined) throw new UnansweredError(LOST);
  const why = problem.detail ?? problem.title ?? `The gateway answered ${response.status}.`;
  throw new CountersignError('refused', why, { response, problem });
};
