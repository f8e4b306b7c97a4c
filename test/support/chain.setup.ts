import type { TestProject } from 'vitest/node';

/** Starts the real chain and the real facilitator once for all tests inside workerd. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { startChain } = await import('../../dev/stack/chain.ts');
  const { startFacilitator } = await import('../../dev/stack/facilitator.ts');
  const { people } = await import('../../dev/stack/people.ts');
  const [chain, manual, restart, fickle] = await Promise.all([
    startChain({}),
    startChain({}),
    startChain({}),
    startChain({}),
  ]);
  // One test file mines the blocks of each of these chains and reorganises it. No other file may use it.
  await Promise.all([manual, restart].map(({ client }) => client.setAutomine(false)));
  const facilitator = await startFacilitator({ rpc: chain.rpc });
  project.provide('rpc', chain.rpc);
  project.provide('manualRpc', manual.rpc);
  project.provide('restartRpc', restart.rpc);
  project.provide('fickleRpc', fickle.rpc);
  project.provide('facilitator', facilitator.url);
  project.provide('receiptKey', await freshKey());
  project.provide('people', JSON.parse(JSON.stringify(people)));
  return async () => {
    await facilitator.stop();
    await Promise.all([chain.stop(), manual.stop(), restart.stop(), fickle.stop()]);
  };
}

const freshKey = async (): Promise<string> => {
  const { exportJWK, generateKeyPair } = await import('jose');
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  return JSON.stringify(await exportJWK(privateKey));
};

type Person = { address: `0x${string}`; privateKey: `0x${string}` };

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface ProvidedContext {
    rpc: string;
    /** A chain that mines only on request. */
    manualRpc: string;
    /** A second chain that mines only on request, for the tests of a relayer that restarts. */
    restartRpc: string;
    /** A chain that mines every transaction at once. Only the test file that compares it with its ledger uses and reorganises it. */
    fickleRpc: string;
    facilitator: string;
    receiptKey: string;
    people: {
      operator: Person;
      owner: Person;
      agent: Person;
      agents: Person[];
      payTo: `0x${string}`;
    };
  }
}
