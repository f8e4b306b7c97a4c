import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import solc from 'solc';
import {
  type Address,
  encodeDeployData,
  encodeFunctionData,
  type Hex,
  maxUint256,
  multicall3Abi,
  parseAbi,
  parseEther,
  parseEventLogs,
  type TransactionReceipt,
} from 'viem';
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import * as z from 'zod/mini';
import { settleData } from '../src/settlement/relayer/permit-calldata.ts';
import { ROOT } from './root.ts';
import { type Chain, startChain } from './stack/chain.ts';
import { multicall3, usdc } from './stack/chain-access.ts';
import { deploy } from './stack/contracts.ts';
import { people } from './stack/people.ts';
import { signPermit } from './stack/permit.ts';
import { permit2 } from './stack/permit2/permit2-code.ts';
import { uptoProxy } from './stack/permit2/upto-proxy-code.ts';

/**
 * `npm run gas`: settles permits of the scheme `upto` on a local chain, one a transaction and in batches, and prints the gas of each way.
 * Throws if a batch undoes a settlement because another one failed, or takes one from a stranger.
 */
const SIZES = [1, 5, 20, 50];
const GAS = { alone: 300_000n, batch: 100_000n, each: 160_000n };

const FILE = 'settlement-batch.sol';
const CONTRACT = 'SettlementBatch';

const abi = parseAbi([
  'constructor(address only)',
  'function settle(bytes[] settlements) returns (uint256)',
  'event SettledBatch(uint256 succeeded)',
  'function approve(address spender, uint256 value) returns (bool)',
]);

const compiledSchema = z.object({
  contracts: z.object({
    [FILE]: z.object({
      [CONTRACT]: z.object({ evm: z.object({ bytecode: z.object({ object: z.string() }) }) }),
    }),
  }),
});

const compile = (): Hex => {
  const input = {
    language: 'Solidity',
    sources: { [FILE]: { content: readFileSync(join(ROOT, 'dev/stack/permit2', FILE), 'utf8') } },
    settings: {
      evmVersion: 'paris',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
    },
  };
  const { contracts } = compiledSchema.parse(JSON.parse(solc.compile(JSON.stringify(input))));
  return `0x${contracts[FILE][CONTRACT].evm.bytecode.object}`;
};

const relayer = privateKeyToAccount(people.relayer.privateKey);

type Sent = {
  readonly to: Address;
  readonly data: Hex;
  readonly gas: bigint;
};

const send = async (
  { client }: Chain,
  account: PrivateKeyAccount,
  sent: Sent,
): Promise<TransactionReceipt> => {
  const hash = await client.sendTransaction({ account, ...sent });
  const receipt = await client.waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success') throw new Error(`transaction ${hash} reverted`);
  return receipt;
};

/** A payer with USDC that has approved Permit2. */
const openPayer = async (chain: Chain): Promise<PrivateKeyAccount> => {
  const account = privateKeyToAccount(generatePrivateKey());
  await chain.fund(account.address, 100_000_000n);
  await chain.client.setBalance({ address: account.address, value: parseEther('1') });
  const approval = { abi, functionName: 'approve', args: [permit2, maxUint256] } as const;
  const data = encodeFunctionData(approval);
  await send(chain, account, { to: usdc.address, data, gas: 100_000n });
  return account;
};

/** Encodes the settlement of a new permit. Its nonce is the first of its word, like any random nonce or digest. */
const settlement = async (payer: PrivateKeyAccount, facilitator: Address): Promise<Hex> => {
  const signed = await signPermit({
    ...{ account: payer, token: usdc, to: people.payTo, value: 100_000n, facilitator },
    ...{ validAfter: 0n, nonce: generatePrivateKey() },
    validBefore: BigInt(Math.floor(Date.now() / 1000) + 3_600),
  });
  return settleData({ token: usdc, ...signed, charge: 1_260n });
};

const batchOf = (to: Address, settlements: readonly Hex[]): Sent => ({
  to,
  data: encodeFunctionData({ abi, functionName: 'settle', args: [settlements] }),
  gas: GAS.batch + GAS.each * BigInt(settlements.length),
});

/** Gas per permit if each has a transaction. */
const alone = async (chain: Chain, settlements: readonly Hex[]): Promise<number> => {
  let gas = 0n;
  for (const data of settlements)
    gas += (await send(chain, relayer, { to: uptoProxy, data, gas: GAS.alone })).gasUsed;
  return Number(gas) / settlements.length;
};

/** Gas per permit if all share a transaction. */
const together = async (
  chain: Chain,
  to: Address,
  settlements: readonly Hex[],
): Promise<number> => {
  const receipt = await send(chain, relayer, batchOf(to, settlements));
  const all = (1n << BigInt(settlements.length)) - 1n;
  if (succeededIn(receipt) !== all) throw new Error('a settlement failed');
  return Number(receipt.gasUsed) / settlements.length;
};

const succeededIn = ({ logs }: TransactionReceipt): bigint | undefined =>
  parseEventLogs({ abi, logs, eventName: 'SettledBatch' })[0]?.args.succeeded;

const rounded = (gas: number): string => (Math.round(gas / 100) * 100).toLocaleString('en-US');
const saved = (gas: number, of: number): string => `${Math.round(100 - (gas / of) * 100)} %`;

const measure = async (chain: Chain, contract: Address, payers: readonly PrivateKeyAccount[]) => {
  for (const size of SIZES) {
    const made = async (facilitator: Address): Promise<readonly Hex[]> =>
      Promise.all(
        Array.from({ length: size }, async (_, at) =>
          settlement(payers[at % payers.length] as PrivateKeyAccount, facilitator),
        ),
      );
    const each = await alone(chain, await made(relayer.address));
    const delegated = await together(chain, relayer.address, await made(relayer.address));
    const called = await together(chain, contract, await made(contract));
    const who = payers.length === 1 ? 'one payer' : 'a payer each';
    const cells = [delegated, called].flatMap((gas) => [rounded(gas), saved(gas, each)]);
    console.log(`| ${[size, who, rounded(each), ...cells].join(' | ')} |`);
  }
};

/** Sends a batch with a used permit, and a batch by a stranger. */
const attack = async (chain: Chain, to: Address, payer: PrivateKeyAccount): Promise<void> => {
  const [first, second] = [await settlement(payer, to), await settlement(payer, to)];
  const receipt = await send(chain, relayer, batchOf(to, [first, first, second]));
  if (succeededIn(receipt) !== 0b101n) throw new Error('a failure undid another settlement');
  const stolen = batchOf(to, [await settlement(payer, to)]);
  const isRefused = await send(chain, payer, stolen).then(
    () => false,
    () => true,
  );
  if (!isRefused) throw new Error('a stranger settled');
};

const chain = await startChain({});
try {
  const data = encodeDeployData({ abi, bytecode: compile(), args: [relayer.address] });
  const contract = await deploy(chain.client, data);
  const payers: PrivateKeyAccount[] = [];
  for (let at = 0; at < 50; at += 1) payers.push(await openPayer(chain));
  const [payer] = payers as [PrivateKeyAccount];
  const first = await alone(chain, [await settlement(payer, relayer.address)]);
  const authorization = await chain.client.signAuthorization({
    ...{ account: relayer, contractAddress: contract, executor: 'self' },
  });
  const empty = { ...batchOf(relayer.address, []), authorizationList: [authorization] };
  const { gasUsed } = await send(chain, relayer, empty);
  const code = await chain.client.getCode({ address: relayer.address });
  if (code !== `0xef0100${contract.slice(2)}`) throw new Error('the key did not delegate');

  console.log('| permits | payers | one each | delegated key | saves | contract | saves |');
  console.log('|--:|---|--:|--:|--:|--:|--:|');
  await measure(chain, contract, payers);
  await measure(chain, contract, [payer]);
  console.log(`\nThe payee's first payment: ${rounded(first)}. The delegation: ${gasUsed}, once.`);

  for (const to of [relayer.address, contract]) await attack(chain, to, payer);
  // Batches of EIP-3009 payments go through Multicall3, whose calls a delegated key must still be able to send.
  const calls = [{ target: usdc.address, allowFailure: true, callData: '0x' }] as const;
  const aggregate = { abi: multicall3Abi, functionName: 'aggregate3', args: [calls] } as const;
  await send(chain, relayer, {
    ...{ to: multicall3, gas: GAS.alone },
    data: encodeFunctionData(aggregate),
  });
} finally {
  await chain.stop();
}
