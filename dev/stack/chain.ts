import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseEther } from 'viem';
import {
  CHAIN_ID,
  type ChainAccess,
  type ChainClient,
  connectChain,
  mint,
} from './chain-access.ts';
import { deployMulticall3, deployUsdc, setPermit2 } from './contracts.ts';
import { people } from './people.ts';
import { freePort, LOOPBACK } from './loopback.ts';
import { type Exit, startProcess } from './process.ts';

/** A chain that this process started. */
export type Chain = ChainAccess & {
  readonly processId: number;
  readonly exited: Promise<Exit>;
  readonly output: () => string;
  readonly stop: () => Promise<void>;
  readonly kill: () => Promise<void>;
};

/** Initial USDC of each agent: $1,000. */
const AGENT_BALANCE = 1_000_000_000n;
const READY_MS = 150_000;

/** Path of the binary in the platform package. The launcher of `@foundry-rs/anvil` would be one more process to stop. */
const anvilBinary = (): string => {
  const require = createRequire(import.meta.url);
  const launcher = createRequire(require.resolve('@foundry-rs/anvil/package.json'));
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = `@foundry-rs/anvil-${process.platform}-${architecture}`;
  const program = process.platform === 'win32' ? 'anvil.exe' : 'anvil';
  return join(dirname(launcher.resolve(`${name}/package.json`)), 'bin', program);
};

const answers = async (client: ChainClient, exited: Promise<Exit>): Promise<void> => {
  let gone = false;
  void exited.then(() => {
    gone = true;
  });
  const deadline = Date.now() + READY_MS;
  for (;;) {
    const id = await client.getChainId().catch(() => undefined);
    if (id === CHAIN_ID) return;
    if (gone || Date.now() > deadline) throw new Error('anvil did not start');
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
};

const furnish = async (client: ChainClient, blockTime: number | undefined): Promise<void> => {
  await deployUsdc(client);
  await deployMulticall3(client);
  await setPermit2(client);
  for (const { address } of [...people.facilitators, people.relayer])
    await client.setBalance({ address, value: parseEther('1000') });
  await Promise.all(
    [people.owner, people.agent, ...people.agents].map(
      async ({ address }) => await mint(client, address, AGENT_BALANCE),
    ),
  );
  if (blockTime === undefined) return;
  // Interval mining starts last: with blocks of two seconds, the deployment would take twenty seconds.
  await client.setIntervalMining({ interval: blockTime });
};

/**
 * Starts anvil with chain id 84532 on a free port of 127.0.0.1, deploys Multicall3, Permit2 and Circle's USDC at its Base Sepolia
 * address, and funds `people`. Each transaction gets a block, or blocks come every `blockTime` seconds. The chain ends with this process.
 */
export const startChain = async (options: {
  readonly port?: number;
  /** Seconds. */
  readonly blockTime?: number;
}): Promise<Chain> => {
  const port = options.port ?? (await freePort());
  const group = startProcess({
    program: anvilBinary(),
    arguments: [
      `--host=${LOOPBACK}`,
      `--port=${port}`,
      `--chain-id=${CHAIN_ID}`,
      '--accounts=0',
      '--quiet',
    ],
  });
  const access = connectChain(`http://${LOOPBACK}:${port}`);
  try {
    await answers(access.client, group.exited);
    await furnish(access.client, options.blockTime);
  } catch (cause) {
    await group.kill();
    throw new Error(`the chain did not start: ${group.output()}`, { cause });
  }
  const { id: processId, exited, output, stop, kill } = group;
  return { ...access, processId, exited, output, stop, kill };
};
