import * as z from 'zod/mini';
import type { Address } from '../core/hex.ts';
import { ZERO_ADDRESS } from '../core/hex.ts';
import { ok, type Result } from '../core/result.ts';
import { uintWord } from '../crypto/typed-data.ts';
import { network } from '../protocol/account-id.ts';
import { chainId } from '../protocol/intent/domain.ts';
import type { Authorization, Token } from '../protocol/payment.ts';
import { address, uint256 } from '../protocol/wire-fields.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { PERMIT2, UPTO_PROXY } from '../protocol/x402/permit2.ts';
import { faultIn, type TypedDataFault, unsupported } from './typed-data-fault.ts';

/** A Permit2 permit of the scheme `upto`. Its typed data does not name the payer. */
export type PermitData = {
  readonly kind: 'permit';
  readonly chainId: number;
  readonly token: Token;
  /** As `Permit` describes. */
  readonly authorization: Omit<Authorization, 'from'>;
  readonly facilitator: Address;
};

/** An EIP-2612 approval of Permit2. Moves nothing without a permit of the same key. */
export type ApprovalData = {
  readonly kind: 'approval';
  readonly chainId: number;
  readonly token: Token;
  readonly approval: AllowanceTerms;
};

/** Amounts in atomic units, `deadline` in Unix seconds, `nonce` that of the token. */
export type AllowanceTerms = {
  readonly owner: Address;
  readonly value: bigint;
  readonly nonce: bigint;
  readonly deadline: bigint;
};

const permit2Domain = z.strictObject({
  name: z.literal('Permit2'),
  chainId,
  verifyingContract: z.pipe(address, z.literal(PERMIT2)),
});

const permitMessage = z.strictObject({
  permitted: z.strictObject({ token: address, amount: uint256 }),
  spender: address,
  nonce: uint256,
  deadline: uint256,
  witness: z.strictObject({ to: address, facilitator: address, validAfter: uint256 }),
});

/** Reads a permit of the scheme `upto`. Attack: a permit for another spender. Only the proxy of x402 is bound to pay `witness.to`. */
export const readPermit = (
  domain: unknown,
  message: unknown,
): Result<PermitData, TypedDataFault> => {
  const on = permit2Domain.safeParse(domain);
  if (!on.success)
    return unsupported('domain', `must be the domain of Permit2: name, chainId, ${PERMIT2}`);
  const token = tokenOf(network(on.data.chainId));
  if (token === undefined) return unsupported('chain', 'must be a chain with a pinned token');
  const read = permitMessage.safeParse(message);
  if (!read.success) return faultIn('typedData.message', read.error.issues);
  const { permitted, spender, nonce, deadline, witness } = read.data;
  if (spender !== UPTO_PROXY) return refuseSpender(`the proxy of the scheme upto, ${UPTO_PROXY}`);
  if (permitted.token !== token.address || witness.facilitator === ZERO_ADDRESS) {
    return unsupported('permit', `must permit ${token.address} and name a facilitator`);
  }
  return ok({
    kind: 'permit',
    chainId: on.data.chainId,
    token,
    authorization: {
      to: witness.to,
      value: permitted.amount,
      validAfter: witness.validAfter,
      validBefore: deadline,
      nonce: `0x${uintWord(nonce)}`,
    },
    facilitator: witness.facilitator,
  });
};

const approvalMessage = z.strictObject({
  owner: address,
  spender: address,
  value: uint256,
  nonce: uint256,
  deadline: uint256,
});

/** Reads the message of an EIP-2612 approval in the domain of a pinned token. */
export const readApproval = (
  chain: number,
  token: Token,
  message: unknown,
): Result<ApprovalData, TypedDataFault> => {
  const read = approvalMessage.safeParse(message);
  if (!read.success) return faultIn('typedData.message', read.error.issues);
  const { spender, ...approval } = read.data;
  return spender === PERMIT2
    ? ok({ kind: 'approval', chainId: chain, token, approval })
    : refuseSpender(`Permit2, ${PERMIT2}`);
};

const refuseSpender = (only: string): Result<never, TypedDataFault> =>
  unsupported('permit', `The signer signs an allowance for one spender only: ${only}.`);
