import type { Payment, Permit } from '../../protocol/payment.ts';
import { wireRequirement } from '../../protocol/x402/offer.ts';
import { GAS_SPONSORING_EXTENSION, PERMIT2, UPTO_PROXY } from '../../protocol/x402/permit2.ts';
import { uptoRequirementOf } from '../../protocol/x402/requirement.ts';

/** Returns the body of `/settle` for a permit (x402 v2, scheme `upto`): `accepted` has the maximum, `paymentRequirements` the charge. */
export const uptoRequest = (
  { token, authorization, signature, maxTimeoutSeconds, charge }: Payment,
  { facilitator, approval }: Permit,
  url: string,
) => {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const requirement = uptoRequirementOf(token, to, value, maxTimeoutSeconds, facilitator);
  const accepted = wireRequirement(requirement);
  const info = approval && {
    ...{ from, asset: token.address, spender: PERMIT2, amount: value.toString() },
    ...{ ...approval, version: '1' },
  };
  return {
    x402Version: 2,
    paymentPayload: {
      x402Version: 2,
      resource: { url },
      accepted,
      payload: {
        signature,
        permit2Authorization: {
          from,
          permitted: { token: token.address, amount: value.toString() },
          spender: UPTO_PROXY,
          nonce: BigInt(nonce).toString(),
          deadline: validBefore.toString(),
          witness: { to, facilitator, validAfter: validAfter.toString() },
        },
      },
      ...(info === undefined ? {} : { extensions: { [GAS_SPONSORING_EXTENSION]: { info } } }),
    },
    paymentRequirements: { ...accepted, amount: (charge ?? value).toString() },
  };
};
