import { type Address, type Hex, isAddress, ZERO_ADDRESS } from '../core/hex.ts';
import { CountersignError } from './errors.ts';
import type { TypedData } from './typed-data.ts';

/** Signs for an agent: a viem `LocalAccount`, the result of `remoteAccount`, or your own object with these two members. */
export type Signer = {
  readonly address: Hex;
  /** Signs EIP-712 typed data. Returns 65 bytes with v 27 or 28, or for a contract account what its contract accepts (ERC-1271). */
  signTypedData(data: TypedData): Promise<Hex>;
};

/** The signer's address in lower case. @throws CountersignError `options_invalid` */
export const addressOf = (signer: Signer): Address => {
  const given: unknown = (signer as Partial<Signer> | undefined)?.address;
  const address = typeof given === 'string' ? given.toLowerCase() : '';
  if (!isAddress(address) || address === ZERO_ADDRESS) {
    throw new CountersignError('options_invalid', 'account.address must be a 20-byte address');
  }
  return address;
};

/** Signs. No request has left the client yet, so the caller can return the amount to its budget. @throws CountersignError `signer_failed` */
export const sign = async (signer: Signer, data: TypedData): Promise<Hex> => {
  try {
    return await signer.signTypedData(data);
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError('signer_failed', 'The account did not sign.', { cause });
  }
};
