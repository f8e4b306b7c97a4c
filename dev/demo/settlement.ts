import { type Address, type Hex, isAddressEqual, parseEventLogs } from 'viem';
import type { ChainAccess } from '../stack/chain-access.ts';
import { usdcAbi } from '../stack/usdc.ts';

/** A settled payment on the chain. */
export type Settlement = {
  readonly transaction: Hex;
  readonly block: bigint;
  /** Amount that the authorization moved, in atomic units. */
  readonly value: bigint;
};

const POLL_MS = 100;

const find = async (
  chain: ChainAccess,
  payer: Address,
  payee: Address,
  nonce: Hex,
): Promise<Settlement | undefined> => {
  const [used] = await chain.client.getContractEvents({
    address: chain.usdc,
    abi: usdcAbi,
    eventName: 'AuthorizationUsed',
    args: { authorizer: payer, nonce },
    fromBlock: 0n,
    strict: true,
  });
  if (used === undefined) return undefined;
  const receipt = await chain.client.getTransactionReceipt({ hash: used.transactionHash });
  // USDC logs the transfer directly after its authorization. Any other transfer of the transaction is another payment.
  const transfer = parseEventLogs({ abi: usdcAbi, eventName: 'Transfer', logs: receipt.logs }).find(
    ({ logIndex, address }) =>
      logIndex === used.logIndex + 1 && isAddressEqual(address, chain.usdc),
  );
  if (transfer === undefined || !isAddressEqual(transfer.args.from, payer)) return undefined;
  if (!isAddressEqual(transfer.args.to, payee)) return undefined;
  const { transactionHash: transaction, blockNumber: block } = used;
  return { transaction, block, value: transfer.args.value };
};

/** Waits until the chain shows the settlement of a payment. @returns undefined after a timeout. */
export const settlementOf = async (
  chain: ChainAccess,
  payment: { readonly payer: Address; readonly payee: Address; readonly nonce: Hex },
  milliseconds: number,
): Promise<Settlement | undefined> => {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const found = await find(chain, payment.payer, payment.payee, payment.nonce);
    if (found !== undefined || Date.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};
