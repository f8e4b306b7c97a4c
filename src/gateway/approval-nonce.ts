import { rpcBatch } from '../settlement/chain/json-rpc.ts';
import { whileWaiting } from '../settlement/chain/payer.ts';
import { approvalNonceOf } from '../settlement/chain/permit-calls.ts';
import { readNumber } from '../settlement/chain/query.ts';
import type { Gateway } from './gateway.ts';
import { type AttributedSignature, admitsLookUp, nodesOf } from './verify-signature.ts';

/**
 * Reads the nonce with which the payer of a permit can approve Permit2 (EIP-2612), so that the payer needs no node. A wrong nonce
 * approves nothing, so the payer need not trust it.
 *
 * @returns undefined for a contract account, which cannot sign such an approval, or if no node answers
 */
export const readApprovalNonce = async (
  gateway: Gateway,
  signed: Pick<AttributedSignature, 'network' | 'payer' | 'token' | 'signedByKey'>,
  client: string,
): Promise<bigint | undefined> => {
  const { network, payer, token, signedByKey } = signed;
  if (!signedByKey || !(await admitsLookUp(gateway, signed, client)).ok) return undefined;
  const nodes = nodesOf(gateway, network, 'payer');
  if (!nodes.ok) return undefined;
  const calls = [approvalNonceOf(token.address, payer)];
  const answers = await rpcBatch(nodes.value, calls, whileWaiting(nodes.value));
  return answers.ok ? readNumber(answers.value[0]) : undefined;
};
