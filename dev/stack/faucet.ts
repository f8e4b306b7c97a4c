import { type Address, encodeFunctionData, multicall3Abi, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import type { ChainClient } from './chain-client.ts';
import { usdc, usdcAbi } from './usdc.ts';

/** Where Multicall3 is deployed on every chain that has it. On the local chain it may mint USDC. */
export const multicall3: Address = '0xca11bde05977b3631167028862be2a173976ca11';

/**
 * Mints atomic units of USDC to an account; resolves when the transaction is in a block.
 *
 * Race: mints from one sender would compete for its nonces, also across processes. So each mint has a new sender.
 */
export const mint = async (client: ChainClient, to: Address, amount: bigint): Promise<void> => {
  const sender = privateKeyToAddress(generatePrivateKey());
  const callData = encodeFunctionData({ abi: usdcAbi, functionName: 'mint', args: [to, amount] });
  await client.impersonateAccount({ address: sender });
  await client.setBalance({ address: sender, value: parseEther('1') });
  const hash = await client.writeContract({
    address: multicall3,
    abi: multicall3Abi,
    account: sender,
    functionName: 'aggregate3',
    args: [[{ target: usdc.address, allowFailure: false, callData }]],
  });
  const receipt = await client.waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success') throw new Error(`minting to ${to} reverted in ${hash}`);
};
