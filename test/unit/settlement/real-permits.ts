import { UptoEvmScheme } from '@x402/evm/upto/client';
import { type Hex, hexToBigInt, maxUint256, parseAbi } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import type { Address } from '../../../src/core/hex.ts';
import type { Payment } from '../../../src/protocol/payment.ts';
import { gasSponsoringExtension } from '../../../src/protocol/x402/extensions.ts';
import { wireRequirement } from '../../../src/protocol/x402/offer.ts';
import { parsePermitPayload } from '../../../src/protocol/x402/permit-payload.ts';
import { PERMIT2, UPTO_PROXY } from '../../../src/protocol/x402/permit2.ts';
import { uptoRequirementOf } from '../../../src/protocol/x402/requirement.ts';
import { settleData } from '../../../src/settlement/relayer/permit-calldata.ts';
import { chain, freshPayer, mined, payTo, rpc } from './real-chain.ts';

/** The most that a test's permit may move, and what is charged of it. */
export const MOST = 100_000n;
export const CHARGE = 1_260n;

const abi = parseAbi([
  'function approve(address spender, uint256 value) returns (bool)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function invalidateUnorderedNonces(uint256 word, uint256 mask)',
]);

export const lower = <T extends Hex>(hex: T): T => hex.toLowerCase() as T;

/** Sets how much Permit2 may transfer for an account. */
export const approve = async (account: PrivateKeyAccount, value: bigint): Promise<Hex> =>
  mined(
    await chain.client.writeContract({
      ...{ account, address: usdc.address, abi },
      ...{ functionName: 'approve', args: [PERMIT2, value] },
    }),
  );

/** A payer that has approved Permit2 without limit. */
export const approvedPayer = async (funds = MOST): Promise<PrivateKeyAccount> => {
  const account = await freshPayer(funds);
  await approve(account, maxUint256);
  return account;
};

export const allowance = async (owner: Address): Promise<bigint> =>
  chain.client.readContract({
    ...{ address: usdc.address, abi },
    ...{ functionName: 'allowance', args: [owner, PERMIT2] },
  });

type Terms = {
  readonly most?: bigint;
  readonly seconds?: number;
  readonly to?: Address;
  readonly charge?: bigint;
};

/** A payment by `upto` that the official client makes from the offer, as the gateway reads it. */
export const permitFrom = async (
  account: PrivateKeyAccount,
  facilitator: Address,
  { most = MOST, seconds = 3_600, to = payTo, charge }: Terms = {},
): Promise<Payment> => {
  const requirement = uptoRequirementOf(usdc, to, most, seconds, facilitator);
  const accepted = wireRequirement(requirement);
  const client = new UptoEvmScheme(account, { rpcUrl: rpc });
  const made = await client.createPaymentPayload(2, accepted as never, {
    extensions: gasSponsoringExtension([requirement]),
  });
  const read = parsePermitPayload('payment', { ...made, accepted });
  if (!read.ok) throw new Error(`${read.error.field} ${read.error.hint}`);
  const { authorization, signature, permit } = read.value;
  if (permit === undefined) throw new Error('is a permit');
  return {
    ...{ token: usdc, authorization, signature, permit, maxTimeoutSeconds: seconds },
    ...(charge === undefined ? {} : { charge }),
  };
};

/** Sends the settlement of a permit. @returns the hash, once it is in a block; throws if it reverted. */
export const sendSettlement = async (
  sender: PrivateKeyAccount,
  payment: Payment,
  charge = payment.charge,
): Promise<Hex> => {
  const charged = charge === undefined ? payment : { ...payment, charge };
  const data = settleData(charged);
  return mined(await chain.client.sendTransaction({ account: sender, to: UPTO_PROXY, data }));
};

/** The payer cancels the nonce of a permit. */
export const cancelPermit = async (account: PrivateKeyAccount, payment: Payment): Promise<Hex> => {
  const nonce = hexToBigInt(payment.authorization.nonce);
  return mined(
    await chain.client.writeContract({
      ...{ account, address: PERMIT2, abi },
      ...{ functionName: 'invalidateUnorderedNonces', args: [nonce >> 8n, 1n << (nonce & 0xffn)] },
    }),
  );
};
