import type { Hex } from '../../core/hex.ts';
import {
  addressWord,
  bytes32Word,
  structHash,
  typedDataDigest,
  uintWord,
  type Word,
} from '../../crypto/typed-data.ts';
import { chainIdOf } from '../account-id.ts';
import type { Approval, Authorization, Permit, Token } from '../payment.ts';
import { tokenDomainSeparator } from './authorization.ts';
import { PERMIT2, UPTO_PROXY } from './permit2.ts';

// Hashes are precomputed, as in `authorization.ts`. A test compares every digest with viem's.
/** `EIP712Domain(string name,uint256 chainId,address verifyingContract)`: the domain of Permit2 has no version. */
const DOMAIN: Word = '8cad95687ba82c2ce50e74f7b754645e5117c3a5bec8151c0726d5857980a866';
/** Keccak-256 of `Permit2`. */
const NAME: Word = '9ac997416e8ff9d2ff6bebeb7149f65cdae5e32e2b90440b566bb3044041d36a';
/** `PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)…` */
const PERMIT: Word = '51dff6974ad4388c499e7fcfe838d2bd767162553a144098ce20ea661d70c2ee';
/** `TokenPermissions(address token,uint256 amount)` */
const PERMITTED: Word = '618358ac3db8dc274f0cd8829da7e234bd48cd73c4a740aede1adec9846d06a1';
/** `Witness(address to,address facilitator,uint256 validAfter)` */
const WITNESS: Word = 'd4171c445a74218b01d4fd8af34ff1106580ea1e36ff837e64484bfaa2253b75';
/** EIP-2612: `Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)` */
const APPROVAL: Word = '6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9';

/** The digest that the payer of an `upto` payment signs: a Permit2 `PermitWitnessTransferFrom` for the proxy, with the witness of the proxy. */
export const permitDigest = (
  token: Token,
  { to, value, validAfter, validBefore, nonce }: Authorization,
  { facilitator }: Permit,
): Hex => {
  const chainId = chainIdOf(token.network);
  if (chainId === undefined) throw new RangeError(`not an EVM network: ${token.network}`);
  return typedDataDigest(
    structHash(DOMAIN, NAME, uintWord(BigInt(chainId)), addressWord(PERMIT2)),
    structHash(
      PERMIT,
      structHash(PERMITTED, addressWord(token.address), uintWord(value)),
      addressWord(UPTO_PROXY),
      bytes32Word(nonce),
      uintWord(validBefore),
      structHash(WITNESS, addressWord(to), addressWord(facilitator), uintWord(validAfter)),
    ),
  );
};

/** The digest of the EIP-2612 `permit` with which the payer approves Permit2 for the permitted amount. */
export const approvalDigest = (
  token: Token,
  { from, value }: Pick<Authorization, 'from' | 'value'>,
  { nonce, deadline }: Pick<Approval, 'nonce' | 'deadline'>,
): Hex =>
  typedDataDigest(
    bytes32Word(tokenDomainSeparator(token)),
    structHash(
      APPROVAL,
      addressWord(from),
      addressWord(PERMIT2),
      uintWord(value),
      uintWord(BigInt(nonce)),
      uintWord(BigInt(deadline)),
    ),
  );
