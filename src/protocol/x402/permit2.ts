import type { Address } from '../../core/hex.ts';

/** Permit2, on every chain that has it (`PERMIT2_ADDRESS` of `@x402/evm` 2.27.0). */
export const PERMIT2: Address = '0x000000000022d473030f116ddee9f6b43ac78ba3';
/** The proxy of the scheme `upto`: the only `spender` of its permits (`x402UptoPermit2ProxyAddress` of `@x402/evm` 2.27.0). */
export const UPTO_PROXY: Address = '0x4020a4f3b7b90cca423b9fabcc0ce57c6c240002';

/** The x402 extension by which a payer without allowance approves Permit2. */
export const GAS_SPONSORING_EXTENSION = 'eip2612GasSponsoring';

/* The EIP-712 types of a payment by `upto`, each struct without those that it refers to. `permit.ts` has their hashes. */

export const PERMIT2_DOMAIN_TYPE =
  'EIP712Domain(string name,uint256 chainId,address verifyingContract)';
/** Permit2 (`PermitHash.sol`), with the witness of the proxy of x402. */
export const PERMIT_TYPE =
  'PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)';
export const TOKEN_PERMISSIONS_TYPE = 'TokenPermissions(address token,uint256 amount)';
export const WITNESS_TYPE = 'Witness(address to,address facilitator,uint256 validAfter)';
/** EIP-2612. */
export const APPROVAL_TYPE =
  'Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)';
