import { domainSeparator, hashDomain, parseAbi } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectChain, multicall3, usdc, usdcAbi } from '../../dev/stack/chain-access.ts';
import { type Chain, startChain } from '../../dev/stack/chain.ts';
import { people, person } from '../../dev/stack/people.ts';
import { permit2 } from '../../dev/stack/permit2/permit2-code.ts';
import { uptoProxy } from '../../dev/stack/permit2/upto-proxy-code.ts';

const domainTypes = {
  EIP712Domain: [
    { name: 'name', type: 'string' },
    { name: 'version', type: 'string' },
    { name: 'chainId', type: 'uint256' },
    { name: 'verifyingContract', type: 'address' },
  ],
} as const;

describe('the local chain', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain({});
  });
  afterAll(async () => await chain.stop());

  const read = async (
    functionName: 'name' | 'symbol' | 'decimals' | 'version' | 'DOMAIN_SEPARATOR',
  ) => await chain.client.readContract({ address: usdc.address, abi: usdcAbi, functionName });

  it('has the code and domain of USDC on Base Sepolia', async () => {
    expect(await chain.client.getChainId()).toBe(84532);
    expect(await read('name')).toBe(usdc.name);
    expect(await read('version')).toBe(usdc.version);
    expect(await read('symbol')).toBe('USDC');
    expect(await read('decimals')).toBe(6);
    const { name, version, address: verifyingContract } = usdc;
    const domain = { name, version, chainId: 84532n, verifyingContract };
    const separator = await read('DOMAIN_SEPARATOR');
    expect(separator).toBe(hashDomain({ domain, types: domainTypes }));
    // The domain separator that the contract on Base Sepolia returns.
    expect(separator).toBe('0x71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818');
  });

  it('has Multicall3 at its canonical address', async () => {
    const block = await chain.client.readContract({
      address: multicall3,
      abi: parseAbi(['function getBlockNumber() view returns (uint256)']),
      functionName: 'getBlockNumber',
    });
    expect(block).toBeGreaterThan(0n);
  });

  it('has Permit2 with the domain of the chain, and the proxy of `upto`, which names it', async () => {
    const separator = await chain.client.readContract({
      address: permit2,
      abi: parseAbi(['function DOMAIN_SEPARATOR() view returns (bytes32)']),
      functionName: 'DOMAIN_SEPARATOR',
    });
    const domain = { name: 'Permit2', chainId: 84532n, verifyingContract: permit2 };
    expect(separator).toBe(domainSeparator({ domain }));
    const named = await chain.client.readContract({
      address: uptoProxy,
      abi: parseAbi(['function PERMIT2() view returns (address)']),
      functionName: 'PERMIT2',
    });
    expect(named.toLowerCase()).toBe(permit2);
  });

  it('funds nine agents with 1000 USDC each, and facilitators with ether', async () => {
    const agents = [people.agent, ...people.agents];
    expect(new Set(agents.map(({ address }) => address)).size).toBe(9);
    for (const { address, privateKey } of agents) {
      expect(privateKeyToAddress(privateKey)).toBe(address);
      expect(await chain.balanceOf(address)).toBe(1_000_000_000n);
    }
    for (const { address } of people.facilitators)
      expect(await chain.client.getBalance({ address })).toBeGreaterThan(0n);
    expect(await chain.balanceOf(people.payTo)).toBe(0n);
  });

  it('mints for many accounts at once, also through a client that only knows the URL', async () => {
    const other = connectChain(chain.rpc);
    const strangers = Array.from({ length: 20 }, (_, at) => person(`stranger ${at}`).address);
    await Promise.all(
      strangers.map(
        async (address, at) => await (at % 2 === 0 ? chain : other).fund(address, BigInt(at + 1)),
      ),
    );
    const balances = await Promise.all(strangers.map(other.balanceOf));
    expect(balances).toEqual(strangers.map((_, at) => BigInt(at + 1)));
  });

  it('keeps block times close to the clock', async () => {
    for (let at = 0; at < 20; at += 1) await chain.client.mine({ blocks: 1 });
    const { timestamp } = await chain.client.getBlock();
    // anvil gives each block a later second, so a chain with fast blocks runs slightly ahead of real time.
    expect(Number(timestamp) - Date.now() / 1000).toBeLessThan(30);
  });
});

describe('the local chain with a block time', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain({ blockTime: 1 });
  });
  afterAll(async () => await chain.stop());

  it('mines a block each second, and none for a transaction', async () => {
    const first = await chain.client.getBlockNumber();
    const from = Date.now();
    while ((await chain.client.getBlockNumber()) < first + 3n)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(Date.now() - from).toBeGreaterThan(1500);

    const sender = people.facilitators[3].address;
    await chain.client.impersonateAccount({ address: sender });
    const send = async () =>
      await chain.client.sendTransaction({ account: sender, to: people.payTo, value: 1n });
    const sentAt = Date.now();
    const before = await chain.client.getBlockNumber();
    const hashes = [await send(), await send(), await send()];
    const blocks = Number((await chain.client.getBlockNumber()) - before);
    expect(blocks).toBeLessThanOrEqual(Math.ceil((Date.now() - sentAt) / 1_000));
    for (const hash of hashes) await chain.client.waitForTransactionReceipt({ hash });
  });
});
