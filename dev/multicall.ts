import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Hex } from 'viem';
import type { ChainClient } from './chain-client.ts';
import { multicall3 } from './faucet.ts';
import { deploy } from './token.ts';

/** viem carries the creation code, in a file it does not list among its exports. */
const creationCode = (): Hex => {
  const require = createRequire(import.meta.url);
  const file = join(dirname(require.resolve('viem')), 'constants', 'contracts.js');
  const { multicall3Bytecode } = require(file) as { multicall3Bytecode: Hex };
  return multicall3Bytecode;
};

/**
 * Puts Multicall3 at its canonical address. Without it a facilitator cannot tell an empty wallet from a spent nonce:
 * every failure becomes `transaction_simulation_failed`. The issuer must be impersonated.
 */
export const deployMulticall3 = async (client: ChainClient): Promise<void> => {
  const elsewhere = await deploy(client, creationCode());
  const code = await client.getCode({ address: elsewhere });
  if (code === undefined) throw new Error('Multicall3 has no code');
  await client.setCode({ address: multicall3, bytecode: code });
};
