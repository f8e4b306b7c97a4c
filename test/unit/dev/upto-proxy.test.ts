import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import solc from 'solc';
import { expect, it } from 'vitest';
import * as z from 'zod/mini';
import { uptoProxyCode } from '../../../dev/stack/permit2/upto-proxy-code.ts';
import { ROOT } from '../../../dev/root.ts';

const FILE = 'upto-proxy.sol';

const compiled = z.object({
  contracts: z.object({
    [FILE]: z.object({
      UptoProxyStandIn: z.object({
        evm: z.object({ deployedBytecode: z.object({ object: z.string() }) }),
      }),
    }),
  }),
});

it('stores the code of the source', () => {
  const content = readFileSync(join(ROOT, 'dev/stack/permit2', FILE), 'utf8');
  const input = {
    language: 'Solidity',
    sources: { [FILE]: { content } },
    settings: {
      evmVersion: 'paris',
      optimizer: { enabled: true, runs: 200 },
      metadata: { appendCBOR: false, bytecodeHash: 'none' },
      outputSelection: { '*': { '*': ['evm.deployedBytecode.object'] } },
    },
  };
  const { contracts } = compiled.parse(JSON.parse(solc.compile(JSON.stringify(input))));
  const { object } = contracts[FILE].UptoProxyStandIn.evm.deployedBytecode;
  expect(`0x${object}`).toBe(uptoProxyCode);
});
