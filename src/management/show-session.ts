import { PRIVATE } from '../gateway/answer-headers.ts';
import { observeOwnHead } from '../gateway/observe.ts';
import { clientOf } from '../gateway/rate-limit.ts';
import { accountId } from '../protocol/account-id.ts';
import { problem } from '../protocol/problem/problem.ts';
import { isOperator } from './authorise.ts';
import type { AdminContext } from './handler.ts';
import { admitSession, authenticateSession, sessionTool } from './session.ts';
import { verifySigner } from './signer.ts';

const TOOL = sessionTool('show', 'GET');

/**
 * Answers `GET /session`: the account of the session, and whether it is an operator now (docs/wire-format.md §21). The
 * answer covers the signer alone, so a caller cannot find out which other accounts are operators.
 */
export const showSession = async (context: AdminContext, request: Request): Promise<Response> => {
  const head = observeOwnHead(request, context.config, TOOL);
  if (!head.ok) return problem(head.error);
  const read = await authenticateSession(context, TOOL, request, head.value);
  if (!read.ok) return problem(read.error);
  const { signer, until } = read.value;
  const verified = await verifySigner(context, signer, clientOf(request.headers));
  if (!verified.ok) return problem(verified.error);
  const admitted = await admitSession(context, read.value);
  if (!admitted.ok) return problem(admitted.error);
  const session = {
    account: accountId(signer.network, signer.payer),
    is_operator: isOperator(context, signer, verified.value),
    valid_until: until,
  };
  return Response.json(session, { headers: PRIVATE });
};
