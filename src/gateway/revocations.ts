import { revocationsTool } from '../catalog/own-tool.ts';
import { accountId } from '../protocol/account-id.ts';
import { problem } from '../protocol/problem/problem.ts';
import { revocationDigest } from '../protocol/intent/agent-revocation.ts';
import { readRevocation } from '../protocol/intent/signed-document.ts';
import { PRIVATE } from './answer.ts';
import { checkSignature } from './check-signature.ts';
import { clientOf } from './client.ts';
import { openDocument, vouchDocument } from './document.ts';
import type { Gateway } from './gateway.ts';
import { govern } from './govern.ts';

/**
 * `POST /revocations`: whoever signed takes grants back for ever, or refuses one that was made to it (design §4.5). Answered with which
 * holders of live leases have stopped; the silent ones stop when their lease ends, within 60 s.
 */
export const revoke = async (gateway: Gateway, request: Request): Promise<Response> => {
  const opened = await openDocument(gateway, request, revocationsTool, readRevocation);
  if (!opened.ok) return problem(opened.error);
  const { document, place } = opened.value;
  const { chainId, revocation, signature } = document;
  const { issuer, id, epoch } = revocation;
  const hash = revocationDigest(revocation, chainId);
  const client = clientOf(request.headers);
  const vouched = await vouchDocument(gateway, place, issuer, hash, signature, client);
  // A key must be cut off also while no node answers; what its owner's own key has signed is enough for an account we know.
  if (!vouched.ok) {
    const byKey = checkSignature(issuer, hash, signature, 'body.signature');
    const isEnough = vouched.error.reason === 'payer_unreachable' && byKey.ok && byKey.value;
    if (!isEnough) return problem(vouched.error);
  }
  const account = accountId(place.network, issuer);
  const facts = vouched.ok ? { facts: vouched.value.facts, ...vouched.value.checkedAt } : {};
  const order = { kind: 'revoke', revocation, hash, signature, ...facts } as const;
  const governed = await govern(gateway, account, order);
  if (!governed.ok) return problem(governed.error);
  const { changed, acknowledged, silent } = governed.value;
  return Response.json(
    { issuer: account, id, epoch: epoch.toString(), changed, acknowledged, silent },
    { headers: PRIVATE },
  );
};
