import type { TypedData } from '../../../client/signer.ts';
import { utf8 } from '../../../crypto/bytes.ts';
import { readDelegation } from '../../../protocol/intent/signed-document.ts';
import type { SignedCommand } from './signed-command.ts';

/** Whether a wallet would sign again what an open command may have done already: the same POST, or another grant for the same agent. */
export const isSecond = (
  { method, target, body, tool }: SignedCommand,
  { primaryType, message }: TypedData,
): boolean => {
  if (primaryType === 'AgentIntent') {
    return tool !== undefined && message['method'] === method && message['target'] === target;
  }
  if (primaryType !== 'AgentDelegation' || target !== '/delegations') return false;
  const read = readDelegation(utf8(body));
  return read.ok && read.value.delegation.delegate === message['delegate'];
};
