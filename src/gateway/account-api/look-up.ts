import { callsTool } from '../../catalog/gateway-tools.ts';
import type { Hex } from '../../core/hex.ts';
import { decodeBase64 } from '../../crypto/bytes.ts';
import { sha256Hex } from '../../crypto/digest.ts';
import type { CallStatus } from '../../protocol/account/look-up.ts';
import { type AccountId, accountId } from '../../protocol/account-id.ts';
import { problem } from '../../protocol/problem/problem.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import { PRIVATE } from '../answer-headers.ts';
import type { Gateway } from '../gateway.ts';
import { observeOwnHead } from '../observe.ts';
import { clientOf } from '../rate-limit.ts';
import { receiptHeader } from '../receipt.ts';
import { askAccount } from './ask-account.ts';
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
  const found = await askAccount(gateway, signer, clientOf(request.headers), (own, facts) =>
    own.lookUp({ account, call: id, ...facts }),
  );
  if (!found.ok) return problem(found.error, { call: id });
  if (found.value.verdict !== 'found') return problem({ reason: 'unknown_call' }, { call: id });
  const { status } = found.value;
  return Response.json(statusBody(status), {
    headers: {
      ...PRIVATE,
      ...(await receiptOf(gateway, signer.audience, account, status)),
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
  paid_from: status.paidFrom,
  payment: status.payment,
  ...(status.transaction === undefined ? {} : { transaction: status.transaction }),
  accepted_at: status.acceptedAt,
  entry: status.entry,
  policy: status.policy,
  ...(status.answer === undefined ? {} : { answer: status.answer }),
});

/** Signs the receipt of a stored answer again; only its `iat` is new. */
const receiptOf = async (
  gateway: Gateway,
  audience: string,
  account: AccountId,
  status: CallStatus,
): Promise<Record<string, string>> =>
  status.answer === undefined
    ? {}
    : receiptHeader(
        gateway,
        // The audience of the call, which its request digest covers, not the audience of this look-up.
        { ...status, account, audience: status.audience ?? audience },
        {
          ...status,
          status: status.answer.status,
          response: sha256Hex(decodeBase64(status.answer.body) ?? new Uint8Array()),
        },
      );
