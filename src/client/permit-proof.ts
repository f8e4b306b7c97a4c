/** Payments of the scheme `upto`. The first one loads this. */
import { checksummed } from '../crypto/address.ts';
import { chainIdOf } from '../protocol/account-id.ts';
import type { AgentIntent } from '../protocol/intent/agent-intent.ts';
import type { Authorization } from '../protocol/payment.ts';
import {
  PERMIT2,
  PERMIT2_DOMAIN_TYPE,
  PERMIT_TYPE,
  TOKEN_PERMISSIONS_TYPE,
  UPTO_PROXY,
  WITNESS_TYPE,
} from '../protocol/x402/permit2.ts';
import { facilitatorOf } from '../protocol/x402/requirement.ts';
import type { Choice } from './offer-choice.ts';
import { sign, type Signer, structOf, type TypedData } from './signer.ts';

/**
 * Signs a Permit2 permit of the maximum that only the sender in the offer can settle, and only to the payee (docs/wire-format.md §7).
 *
 * @param authorization the terms; its nonce is that of the permit, its `validBefore` the deadline
 * @returns the member `payload` of the payment
 */
export const signPermit = async (
  signer: Signer,
  { requirement, token }: Pick<Choice, 'requirement' | 'token'>,
  authorization: Authorization,
  intent: AgentIntent | undefined,
): Promise<Readonly<Record<string, unknown>>> => {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const facilitator = facilitatorOf(requirement);
  if (facilitator === undefined) throw new TypeError('not an offer of upto');
  const data: TypedData = {
    domain: {
      name: 'Permit2',
      chainId: chainIdOf(token.network) ?? 0,
      verifyingContract: PERMIT2,
    },
    types: TYPES,
    primaryType: 'PermitWitnessTransferFrom',
    message: {
      permitted: { token: token.address, amount: value },
      // Attack: an offer that names another spender. It could move the money to anyone.
      spender: UPTO_PROXY,
      nonce: BigInt(nonce),
      deadline: validBefore,
      witness: { to, facilitator, validAfter },
    },
  };
  return {
    signature: await sign(signer, data, intent && { intent }),
    permit2Authorization: {
      from: checksummed(from),
      permitted: { token: checksummed(token.address), amount: value.toString() },
      spender: checksummed(UPTO_PROXY),
      nonce: BigInt(nonce).toString(),
      deadline: validBefore.toString(),
      witness: {
        to: checksummed(to),
        facilitator: checksummed(facilitator),
        validAfter: validAfter.toString(),
      },
    },
  };
};

const TYPES: TypedData['types'] = {
  ...structOf(PERMIT2_DOMAIN_TYPE),
  ...structOf(PERMIT_TYPE),
  ...structOf(TOKEN_PERMISSIONS_TYPE),
  ...structOf(WITNESS_TYPE),
};
