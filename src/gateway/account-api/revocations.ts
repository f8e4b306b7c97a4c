import { revocationsTool } from '../../catalog/gateway-tools.ts';
import { accountId } from '../../protocol/account-id.ts';
import { revocationDigest } from '../../protocol/intent/agent-revocation.ts';
import { readRevocation } from '../../protocol/intent/signed-document.ts';
import { problem } from '../../protocol/problem/problem.ts';
import { PRIVATE } from '../answer-headers.ts';
import type { Gateway } from '../gateway.ts';
import { clientOf } from '../rate-limit.ts';
import { sendIssuerCommand } from './grant-commands.ts';
import { readDocument, verifyDocument } from './signed-document.ts';

/**
 * `POST /revocations`: the signer revokes grants that it issued, or refuses one that was offered to it, for ever. The answer lists which
 * holders of live leases acknowledged; the others stop when their lease expires, within 60 s.
 */
export const revoke = async (gateway: Gateway, request: Request): Promise<Response> => {
  const read = await readDocument(gateway, request, revocationsTool, readRevocation);
  if (!read.ok) return problem(read.error);
  const { document, chain } = read.value;
  const { chainId, revocation, signature } = document;
  const { issuer, id, epoch } = revocation;
  const hash = revocationDigest(revocation, chainId);
  const client = clientOf(request.headers);
  const verified = await verifyDocument(gateway, chain, issuer, hash, signature, client);
  if (!verified.ok) return problem(verified.error);
  const account = accountId(chain.network, issuer);
  const command = { kind: 'revoke', revocation, hash, signature, ...verified.value } as const;
  const applied = await sendIssuerCommand(gateway, chain, issuer, command);
  if (!applied.ok) return problem(applied.error);
  const { changed, acknowledged, silent } = applied.value;
  return Response.json(
    { issuer: account, id, epoch: epoch.toString(), changed, acknowledged, silent },
    { headers: PRIVATE },
  );
};
