import type { Token } from '../../src/protocol/payment.ts';
import {
  type Address,
  createTestClient,
  encodeFunctionData,
  http,
  multicall3Abi,
  parseAbi,
  parseEther,
  publicActions,
  walletActions,
} from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';

/** Chain id of the local chain. It is Base Sepolia's, so that clients need no configuration. */
export const CHAIN_ID = 84532;

/**
 * Creates a viem client of the local chain with public, wallet and anvil actions. It polls every 50 ms: with viem's default of four
 * seconds, polling would dominate the time of a settlement.
 */
export const chainClient = (rpc: string) =>
  createTestClient({
    mode: 'anvil',
    chain: baseSepolia,
    transport: http(rpc),
    pollingInterval: 50,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(walletActions);

export type ChainClient = ReturnType<typeof chainClient>;

/** Circle's USDC on Base Sepolia, with its EIP-712 domain. */
export const usdc: Token = {
  network: `eip155:${CHAIN_ID}`,
  address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  name: 'USDC',
  version: '2',
};

/** Functions and events of USDC that the local stack and its tests use. */
export const usdcAbi = parseAbi([
  'function name() view returns (string)',
  'function symbol() view returns (string)',
  'function decimals() view returns (uint8)',
  'function version() view returns (string)',
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function balanceOf(address account) view returns (uint256)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function transfer(address to, uint256 value) returns (bool)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)',
  'function mint(address to, uint256 amount) returns (bool)',
  'function configureMinter(address minter, uint256 minterAllowedAmount) returns (bool)',
  'function initialize(string tokenName, string tokenSymbol, string tokenCurrency, uint8 tokenDecimals, address newMasterMinter, address newPauser, address newBlacklister, address newOwner)',
  'function initializeV2(string newName)',
  'function initializeV2_1(address lostAndFound)',
  'function initializeV2_2(address[] accountsToBlacklist, string newSymbol)',
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
  'event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
]);

/** Reads the USDC of an account in atomic units, at the latest block. */
export const usdcBalance = async (client: ChainClient, of: Address): Promise<bigint> =>
  await client.readContract({
    address: usdc.address,
    abi: usdcAbi,
    functionName: 'balanceOf',
    args: [of],
  });

/** The address of Multicall3 on every chain that has it. On the local chain Multicall3 may mint USDC. */
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

/** A running local chain. Any process that knows its URL can use it. */
export type ChainAccess = {
  readonly rpc: string;
  readonly chainId: number;
  /** Address of USDC. */
  readonly usdc: Address;
  /** viem client with public, wallet and anvil actions, polling every 50 ms. */
  readonly client: ChainClient;
  /** Mints atomic units of USDC to an account; resolves when the transaction is in a block. */
  readonly fund: (address: Address, amount: bigint) => Promise<void>;
  /** USDC of an account in atomic units, at the latest block. */
  readonly balanceOf: (address: Address) => Promise<bigint>;
};

/** Connects to a local chain that another process started, e.g. the `rpc` of `.dev/stack.json`. */
export const connectChain = (rpc: string): ChainAccess => {
  const client = chainClient(rpc);
  return {
    rpc,
    chainId: CHAIN_ID,
    usdc: usdc.address,
    client,
    fund: async (address, amount) => await mint(client, address, amount),
    balanceOf: async (address) => await usdcBalance(client, address),
  };
};
