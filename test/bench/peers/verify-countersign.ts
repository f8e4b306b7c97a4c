import { transferWithAuthorizationDigest } from '../../../src/protocol/x402/authorization.ts';
import { verifyStrict } from '../../../src/crypto/verifier.ts';
import { token, verificationWorker } from './verification.ts';

/** Verifies a payment as the gateway does. */
export default verificationWorker(({ signature, value, validAfter, validBefore, ...rest }) => {
  const authorization = {
    ...rest,
    value: BigInt(value),
    validAfter: BigInt(validAfter),
    validBefore: BigInt(validBefore),
  };
  const digest = transferWithAuthorizationDigest(token, authorization);
  return verifyStrict(rest.from, digest, signature).ok;
});
