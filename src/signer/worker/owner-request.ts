import { ZERO_ADDRESS, ZERO_HASH } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { nativeSha256 } from '../../crypto/native-crypto.ts';
import { verifyStrict } from '../../crypto/verifier.ts';
import { readBody } from '../../gateway/observe.ts';
import { chainIdOf, parseAccountId } from '../../protocol/account-id.ts';
import {
  AGENT_INTENT_HEADER,
  checkIntentWindow,
  intentDigest,
  intentFields,
  parseAgentIntent,
  UNPAID_SKEW,
} from '../../protocol/intent/agent-intent.ts';
import { bindIntent } from '../../protocol/intent/binding.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import {
  SIGNER_ROUTES,
  type SignerRouteId,
  signerToolOf,
} from '../../protocol/signer/management.ts';
import type { OwnerIntent } from '../keyring-contract.ts';
import type { SignerSettings } from '../settings.ts';

/** A request that an owner of this signer signed, with its body. */
export type OwnerRequest = { readonly intent: OwnerIntent; readonly body: Uint8Array<ArrayBuffer> };

/**
 * Authenticates an owner's request by its `Agent-Intent`: signed by the key of the account in the path, for exactly this request and in
 * time. The body is read only after the signature verified (CWE-400). The signer asks no chain, so a contract (ERC-1271) cannot be an
 * owner.
 */
export const authenticateOwner = async (
  { origin, owners }: SignerSettings,
  request: Request,
  route: SignerRouteId,
  owner: string,
  now: Seconds,
): Promise<Result<OwnerRequest, Reason>> => {
  const { method, maxBody } = SIGNER_ROUTES[route];
  const url = new URL(request.url);
  const head = {
    audience: origin,
    tool: signerToolOf(route),
    method,
    target: url.pathname + url.search,
    contentType: request.headers.get('content-type')?.trim() ?? '',
  };
  const header = request.headers.get(AGENT_INTENT_HEADER);
  const account = parseAccountId(owner);
  const chainId = chainIdOf(account?.network ?? '');
  if (header === null) {
    const networks = account === undefined ? [] : [account.network];
    return err({
      ...{ reason: 'intent_required', audience: origin, networks, tool: head.tool },
      intent: {
        ...head,
        payTo: ZERO_ADDRESS,
        asset: ZERO_ADDRESS,
        maxAmount: '0',
        authority: ZERO_HASH,
      },
    });
  }
  const signed = parseAgentIntent(header);
  if (!signed.ok) return signed;
  const { intent, signature } = signed.value;
  const isOwner =
    account !== undefined &&
    owners.has(account.address) &&
    intent.agent === account.address &&
    signed.value.chainId === chainId;
  // The same answer for a stranger, another owner and an owner that is not configured.
  if (!isOwner || chainId === undefined) return err({ reason: 'forbidden' });
  const digest = intentDigest(intent, chainId);
  const verified = verifyStrict(intent.agent, digest, signature);
  if (!verified.ok) {
    return err({
      reason: 'invalid_signature',
      field: `${AGENT_INTENT_HEADER}.signature`,
      fault: verified.error.reason,
    });
  }
  const timed = checkIntentWindow(intent, now);
  if (!timed.ok)
    return err({ ...timed.error, field: `${AGENT_INTENT_HEADER}.intent.${timed.error.field}` });
  const body = await readBody(request, { maxBodyBytes: maxBody });
  if (!body.ok) return body;
  const bound = bindIntent(intent, { ...head, payloadDigest: nativeSha256(body.value) });
  if (!bound.ok)
    return err({ ...bound.error, field: `${AGENT_INTENT_HEADER}.intent.${bound.error.field}` });
  const until = Number(intent.validBefore) + UNPAID_SKEW;
  return ok({
    intent: { fields: intentFields(intent), signature, digest, until },
    body: body.value,
  });
};
