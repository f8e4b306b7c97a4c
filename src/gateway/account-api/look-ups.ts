import { accountTool, callsTool } from '../../catalog/gateway-tools.ts';
import type { Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { accountId, type AccountId } from '../../protocol/account-id.ts';
import type { CallStatus } from '../../protocol/account/call.ts';
import { limitBody } from '../../protocol/account/denial.ts';
import type { Standing } from '../../protocol/account/standing.ts';
import { problem } from '../../protocol/problem/problem.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import { PRIVATE, receiptHeader } from '../answer-headers.ts';
import type { Gateway } from '../gateway.ts';
import { observeOwnHead } from '../observe.ts';
import type { CheckedProof } from '../paid-request.ts';
import { clientOf } from '../rate-limit.ts';
import { verifyControl } from '../verify-control.ts';
import { authenticate } from './authenticate.ts';

const CALL_ID = /^0x[0-9a-f]{64}$/;

/**
 * `GET /calls/<call id>`: the state of a call and its stored answer, for the account that made it. Reads, never writes. Another account's
 * call gets the same 404 as an unknown one.
 */
export const lookUp = async (gateway: Gateway, request: Request): Promise<Response> => {
  const head = observeOwnHead(request, gateway.config, callsTool);
  if (!head.ok) return problem(head.error);
  const id = head.value.target.slice('/calls/'.length);
  if (!isCallId(id)) return problem(malformed);

  const authenticated = await authenticate(gateway, callsTool, request, head.value);
  if (!authenticated.ok) return authenticated.error;
  const { signer } = authenticated.value;
  const account = accountId(signer.network, signer.payer);
  const found = await askAccount(gateway, signer, clientOf(request.headers), (own) =>
    own.lookUp({ account, call: id }),
  );
  if (!found.ok) return problem(found.error, { call: id });
  if (found.value.verdict !== 'found') return problem({ reason: 'unknown_call' }, { call: id });
  const { status } = found.value;
  return Response.json(statusBody(status), {
    headers: {
      ...PRIVATE,
      ...receiptOf(gateway, signer.audience, account, status),
    },
  });
};

const isCallId = (text: string): text is Hex => CALL_ID.test(text);

const malformed: Reason = {
  reason: 'malformed_request',
  field: 'call',
  hint: 'must be a call id in the path: 0x and 64 lower-case hex digits, and no query',
};

/** The wire form: amounts as decimal strings, the answer's body in base64. */
const statusBody = (status: CallStatus) => ({
  call: status.call,
  tool: status.tool,
  request: status.request,
  binding: status.binding,
  state: status.state,
  asset: status.asset,
  price: status.price.toString(),
  charged: status.charged.toString(),
  ...(status.refunded === undefined ? {} : { refunded: status.refunded.toString() }),
  paid_from: status.paidFrom,
  payment: status.payment,
  ...(status.transaction === undefined ? {} : { transaction: status.transaction }),
  accepted_at: status.acceptedAt,
  entry: status.entry,
  policy: status.policy,
  ...(status.answer === undefined ? {} : { answer: status.answer }),
  ...(status.ended?.usage === undefined
    ? {}
    : { usage: status.ended.usage, basis: status.ended.basis }),
  ...(status.approval === undefined ? {} : { approval: status.approval }),
  ...(status.trace === undefined ? {} : { trace: status.trace }),
});

/** Signs the receipt of an ended call again; only its `iat` is new. */
const receiptOf = (
  gateway: Gateway,
  audience: string,
  account: AccountId,
  status: CallStatus,
): Record<string, string> => {
  if (status.ended === undefined) return {};
  const { digest: response, ...ended } = status.ended;
  // The audience of the original call, which the request digest covers, not the audience of this look-up.
  const call = { ...status, account, audience: status.audience ?? audience };
  return receiptHeader(gateway, call, { ...status, ...ended, response });
};

/** `GET /accounts/me`: the signer's own account: its policies and grants, what remains of each limit, credit, unsettled money, debt. */
export const standing = async (gateway: Gateway, request: Request): Promise<Response> => {
  const head = observeOwnHead(request, gateway.config, accountTool);
  if (!head.ok) return problem(head.error);
  const authenticated = await authenticate(gateway, accountTool, request, head.value);
  if (!authenticated.ok) return authenticated.error;
  const { signer } = authenticated.value;
  const found = await askAccount(gateway, signer, clientOf(request.headers), (own, account) =>
    own.standing({ account }),
  );
  if (!found.ok) return problem(found.error);
  return found.value.verdict === 'found'
    ? Response.json(standingBody(found.value.standing), { headers: PRIVATE })
    : problem({ reason: 'unknown_account' });
};

/** The wire form. It lists known members only, so that a new internal field does not leak. */
export const standingBody = ({
  account,
  status,
  revision,
  parent,
  policies,
  grants,
  money,
}: Standing) => ({
  account,
  status,
  revision,
  ...(parent === undefined ? {} : { parent }),
  policies,
  grants: grants.map(({ validUntil, isDefault, ...grant }) => ({
    ...grant,
    valid_until: validUntil,
    is_default: isDefault,
  })),
  money: money.map(({ creditHeld, creditLent, limits, ...purse }) => ({
    ...purse,
    credit_held: creditHeld,
    credit_lent: creditLent,
    limits: limits.map(limitBody),
  })),
});

type NoAnswer = { readonly verdict: 'unavailable' };

/** Sends a read-only query to the account of a signer. Asks the chain only if the signer's key did not sign. */
export const askAccount = async <V extends { readonly verdict: string }>(
  gateway: Gateway,
  signer: CheckedProof,
  client: string,
  ask: (account: ReturnType<Gateway['account']>, id: AccountId) => Promise<V | NoAnswer>,
): Promise<Result<Exclude<V, NoAnswer>, Reason>> => {
  const verified = signer.signedByKey || (await verifyControl(gateway, signer, client));
  if (verified !== true && !verified.ok) return verified;
  const account = accountId(signer.network, signer.payer);
  try {
    const answer = await ask(gateway.account(account), account);
    if (answer.verdict !== 'unavailable') return ok(answer as Exclude<V, NoAnswer>);
  } catch (cause) {
    // Treat any error as a refusal (law 2).
    console.error({ event: 'question_failed', account, cause: String(cause) });
  }
  return err({ reason: 'storage_unavailable' });
};
