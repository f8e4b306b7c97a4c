import { nowSeconds } from '../core/clock.ts';
import { authenticate } from '../gateway/account-api/authenticate.ts';
import { observeOwnHead } from '../gateway/observe.ts';
import { clientOf } from '../gateway/rate-limit.ts';
import { accountId } from '../protocol/account-id.ts';
import type { SessionEnd } from '../protocol/account/session.ts';
import { MAX_SESSION, AGENT_SESSION_HEADER } from '../protocol/intent/agent-session.ts';
import { problem } from '../protocol/problem/problem.ts';
import { isOperator } from './authorise.ts';
import type { AdminContext } from './handler.ts';
import { authenticateSession, sessionTool } from './session.ts';
import { type Signer, verifySigner } from './signer.ts';

const TOOL = sessionTool('end', 'DELETE');

/**
 * Answers `DELETE /session`: the session's key ends that session, and an intent of the wallet ends all of its sessions (docs/wire-format.md
 * §21). The gateway remembers neither signature: a replay only ends sessions, and the wallet can sign in again.
 */
export const endSession = async (context: AdminContext, request: Request): Promise<Response> => {
  const head = observeOwnHead(request, context.config, TOOL);
  if (!head.ok) return problem(head.error);
  if (request.headers.has(AGENT_SESSION_HEADER)) {
    const read = await authenticateSession(context, TOOL, request, head.value);
    if (!read.ok) return problem(read.error);
    const { signer, request: signed, until } = read.value;
    return end(context, request, signer, { key: signed.key, until });
  }
  const authenticated = await authenticate(context, TOOL, request, head.value);
  if (!authenticated.ok) return authenticated.error;
  const until = nowSeconds() + MAX_SESSION;
  return end(context, request, authenticated.value.signer, { key: 'all', until });
};

const end = async (
  context: AdminContext,
  request: Request,
  signer: Signer,
  ended: Omit<SessionEnd, 'isOperator'>,
): Promise<Response> => {
  const verified = await verifySigner(context, signer, clientOf(request.headers));
  if (!verified.ok) return problem(verified.error);
  const account = accountId(signer.network, signer.payer);
  try {
    const answer = await context.account(account).endSession({
      ...ended,
      isOperator: isOperator(context, signer, verified.value),
    });
    if (answer.verdict === 'refused') return problem(answer.fault);
    if (answer.verdict === 'ok') {
      return new Response(null, { status: 204, headers: { 'Cache-Control': 'no-store' } });
    }
  } catch (cause) {
    console.error({ event: 'session_not_ended', account, cause: String(cause) });
  }
  return problem({ reason: 'storage_unavailable' });
};
