import type { TypedData } from '../../../client/signer.ts';
import { utf8 } from '../../../crypto/bytes.ts';
import { readDelegation } from '../../../protocol/intent/signed-document.ts';
import type { SignedCommand } from './signed-command.ts';

/**
 * Whether a wallet would sign again what an open command may have done already: the same POST, or another grant for the same agent. A PUT or
 * DELETE that is signed twice has the effect of one (RFC 9110 §9.2.2).
 */
export const isSecond = (
  { method, target, body, tool }: SignedCommand,
  { primaryType, message }: TypedData,
): boolean => {
  if (primaryType === 'AgentIntent') {
    return (
      tool !== undefined &&
      method === 'POST' &&
      message['method'] === method &&
      message['target'] === target
    );
  }
  if (primaryType !== 'AgentDelegation' || target !== '/delegations') return false;
  const read = readDelegation(utf8(body));
  return read.ok && read.value.delegation.delegate === message['delegate'];
};
