import type { JsonObject } from '../core/json-object.ts';
import type { Tool } from '../catalog/tool.ts';
import { gatewayTool } from '../catalog/gateway-tools.ts';
import { nowSeconds } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import { check } from '../gateway/check.ts';
import type { CheckedProof } from '../gateway/paid-request.ts';
import { type Proof, readProof, readUpto } from '../gateway/proof.ts';
import { clientOf } from '../gateway/rate-limit.ts';
import { allowedTools } from '../policy/allowed-tools.ts';
import { requestEncoding } from '../protocol/intent/binding.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { DEFERRED_TIMEOUT } from '../protocol/x402/requirement.ts';
import { headOfCall, payloadOfCall } from './call-payload.ts';
import { type McpContext, MCP_PATH } from './context.ts';
import { rightsOf } from './visible-tools.ts';

/**
 * Decides whether the sender of a call that ran no tool may learn that the named tool exists.
 *
 * Attack: an agent that compares answers could learn which tools its owner hides from it: for a hidden tool it would get a refusal for the
 * arguments, the price or a frozen account, and for an unknown name another one. So after every refusal, and for every unknown name, the
 * gateway asks the account of a sender with a valid signature about its rights: the same work for both, at one object call. A sender that
 * proves no key sees the public catalogue, as anyone does who sends no proof.
 */
export const mayLearnOf = async (
  { gateway, audience, message }: McpContext,
  headers: Headers,
  name: string,
  given: JsonObject,
): Promise<Result<boolean, Reason>> => {
  const claimed = readProof(headers);
  if (!claimed.ok || claimed.value.kind === 'none') return ok(true);
  const { value } = claimed;
  const proof = value.kind === 'unread' ? await readUpto(headers, value) : ok(value);
  if (!proof.ok) return ok(true);
  const fields = {
    ...headOfCall(name, audience),
    payloadDigest: nativeSha256(payloadOfCall(name, given, message.params)),
  };
  const signer = signerOf(gateway.config, fields, proof.value);
  if (signer === undefined) return ok(true);
  const rights = await rightsOf(gateway, signer, clientOf(headers));
  return rights.ok ? ok(allowedTools(rights.value.policies, [{ id: name }]).length > 0) : rights;
};

/** Returns the sender of a call if its proof is for this name and these arguments and in time, whatever it would pay. */
const signerOf = (
  config: McpContext['gateway']['config'],
  fields: Omit<Parameters<typeof check>[1]['received'], 'body' | 'request'>,
  proof: Proof,
): CheckedProof | undefined => {
  const tool = pricedAs(fields.tool, proof);
  const received = { ...fields, body: undefined, request: nativeSha256(requestEncoding(fields)) };
  const request = new Request(`${fields.audience}${MCP_PATH}`);
  const run = () => Promise.reject(new Error('no tool runs here'));
  const checked = check(
    config,
    { tool, head: fields, request, received, run },
    proof,
    nowSeconds(),
  );
  return checked.ok && checked.value.execute ? checked.value : undefined;
};

/** A tool whose price is the amount in the proof. Only the signature matters here, and no tool may have this name. */
const pricedAs = (id: string, proof: Proof): Tool => {
  const named = gatewayTool({ id, method: 'tools/call', path: MCP_PATH, description: '' });
  if (proof.kind === 'intent') return named;
  const { authorization, permit, accepted } = proof.payload;
  const isDeferred = accepted === undefined || accepted.maxTimeoutSeconds === DEFERRED_TIMEOUT;
  return {
    ...named,
    price: authorization.value,
    pricing: permit === undefined ? 'exact' : 'upto',
    settlement: isDeferred ? 'deferred' : 'upfront',
  };
};
