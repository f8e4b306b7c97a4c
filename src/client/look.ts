import type { Network } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import { ZERO_ADDRESS } from '../core/hex.ts';
import { callRecordOf, type CallRecord } from './call-record.ts';
import { networkFor, readChallenge } from './challenge.ts';
import { mustServe, type Context } from './context.ts';
import { CountersignError } from './errors.ts';
import { exchange } from './exchange.ts';
import { signQuestion, windowAt } from './intent-proof.ts';
import { readJsonBody } from './json.ts';
import { readOutgoing, type Outgoing } from './outgoing.ts';
import { isProblem } from './problem.ts';
import { RECEIPT_HEADER } from './receipt.ts';
import { send } from './send.ts';

/** The gateway's own tool that answers questions about calls. */
const CALLS_TOOL = 'countersign.calls';

/** Base64 of a stored answer of 64 KiB, and what is around it. */
const MAX_RECORD = 256 * 1024;
const CALL = /^0x[0-9a-f]{64}$/;

/**
 * Asks a gateway what became of a call of this account, by `GET <gateway>/calls/<id>` with a fresh intent; nothing is paid.
 * @throws CountersignError `unknown_call`, `look_failed`, and those of signing and sending
 */
export const look = async (
  context: Context,
  gateway: string,
  call: string,
): Promise<CallRecord> => {
  const id = call.toLowerCase();
  if (!CALL.test(id) || !URL.canParse(gateway)) {
    throw new CountersignError('options_invalid', 'look takes an origin and a call id of 32 bytes');
  }
  const outgoing = await readOutgoing(new URL(`/calls/${id}`, gateway).href, {
    redirect: 'manual',
  });
  const challenge = await send(context, outgoing, {}, async (response) => {
    const read =
      response.status === 401 ? await readChallenge(response, context.timeoutMs) : undefined;
    if (read === undefined) throw failed(response, 'asks for no AgentIntent');
    mustServe(context, outgoing.origin, read.audience, response);
    return read;
  });
  const known = context.memory.networkOf(id as Hex);
  const first = known ?? networkFor(challenge, context.rules.assets);
  // An account is one on each chain: the call is with one of them.
  const networks =
    known === undefined ? [first, ...challenge.networks.filter((on) => on !== first)] : [known];
  for (const network of networks) {
    const found = await lookOn(context, outgoing, challenge.audience, network, id as Hex);
    if (found !== undefined) return found.record;
  }
  throw new CountersignError('unknown_call', `The gateway does not know the call ${id}.`, {
    call: id as Hex,
  });
};

/** A record with the receipt of its call, as it came. */
export type Rechecked = { readonly record: CallRecord; readonly receipt: string | undefined };

/** Asks as the account on one network; undefined where the gateway knows no such call of it. */
export const lookOn = async (
  context: Context,
  outgoing: Outgoing,
  audience: string,
  network: Network,
  call: Hex,
): Promise<Rechecked | undefined> => {
  const proof = await signQuestion(context.signer, outgoing, network, {
    audience,
    tool: CALLS_TOOL,
    payTo: ZERO_ADDRESS,
    asset: ZERO_ADDRESS,
    maxAmount: 0n,
    ...windowAt(context.now()),
  });
  const { response, problem } = await exchange(context, outgoing, proof);
  if (isProblem(problem, 'unknown-call')) return undefined;
  if (response.status !== 200) throw failed(response, `answers ${response.status}`);
  const record = callRecordOf(await readJsonBody(response, MAX_RECORD, context.timeoutMs), call);
  if (record === undefined) throw failed(response, 'gives no record of this call');
  return { record, receipt: response.headers.get(RECEIPT_HEADER) ?? undefined };
};

const failed = (response: Response, what: string): CountersignError =>
  new CountersignError('look_failed', `The gateway ${what}.`, { response });
