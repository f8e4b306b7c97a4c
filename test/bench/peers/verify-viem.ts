import { verifyTypedData } from 'viem/utils';
import { token, verificationWorker } from './verification.ts';

const domain = {
  name: token.name,
  version: token.version,
  chainId: 84532,
  verifyingContract: token.address,
} as const;
const types = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

/** Verifies as the x402 packages do. */
export default verificationWorker(({ signature, value, validAfter, validBefore, ...rest }) =>
  verifyTypedData({
    address: rest.from,
    domain,
    types,
    primaryType: 'TransferWithAuthorization',
    message: {
      ...rest,
      value: BigInt(value),
      validAfter: BigInt(validAfter),
      validBefore: BigInt(validBefore),
    },
    signature,
  }),
);
