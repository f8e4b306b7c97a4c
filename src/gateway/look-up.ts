import type { CallStatus } from '../protocol/account/look-up.ts';
import { callsTool } from '../catalog/own-tool.ts';
import { type AccountId, accountId } from '../protocol/account-id.ts';
import { type Hex } from '../core/hex.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { decodeBase64 } from '../crypto/bytes.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { PRIVATE } from './answer.ts';
import { readAsking } from './asker.ts';
import { clientOf } from './client.ts';
import type { Gateway } from './gateway.ts';
import { readOwnHead } from './head.ts';
import { askOwn } from './question.ts';
import { receiptHeader } from './receipt.ts';

const CALL_ID = /^0x[0-9a-f]{64}$/;

/**
 * `GET /calls/<call id>`: what became of a call, and its answer where it is stored, for the account that made it (design §4.6). Reads,
 * never writes. Somebody else's call is as unknown as one that never was.
 */
export const lookUp = async (gateway: Gateway, request: Request): Promise<Response> => {
  const head = readOwnHead(request, gateway.config, callsTool);
  if (!head.ok) return problem(head.error);
  const id = head.value.target.slice('/calls/'.length);
  if (!isCallId(id)) return problem(malformed);

  const asking = await readAsking(gateway, callsTool, request, head.value);
  if (!asking.ok) return asking.error;
  const { asker } = asking.value;
  const { network, payer, audience } = asker;
  const account = accountId(network, payer);
  const found = await askOwn(gateway, asker, clientOf(request.headers), (own, known) =>
    own.lookUp({ account, call: id, ...known }),
  );
  if (!found.ok) return problem(found.error, { call: id });
  if (found.value.verdict !== 'found') return problem({ reason: 'unknown_call' }, { call: id });
  const { status } = found.value;
  return Response.json(statusBody(status), {
    headers: {
      ...PRIVATE,
      ...(await receiptOf(gateway, audience, account, status)),
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

/** The receipt that came with the stored answer, or would have: its `iat` alone is of now. */
const receiptOf = async (
  gateway: Gateway,
  audience: string,
  account: AccountId,
  status: CallStatus,
): Promise<Record<string, string>> =>
  status.answer === undefined
    ? {}
    : receiptHeader(gateway, {
        // The audience of the call, not of the question: with it the request digest can be made again.
        iss: status.audience ?? audience,
        agent: account,
        tool: status.tool,
        call: status.call,
        request: status.request,
        binding: status.binding,
        charged: status.charged,
        asset: status.asset,
        status: status.answer.status,
        response: sha256Hex(decodeBase64(status.answer.body) ?? new Uint8Array()),
        entry: status.entry,
        policy: status.policy,
      });
