import type { TestProject } from 'vitest/node';

/** Starts the real chain and the real facilitator once for all tests inside workerd. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { startChain } = await import('../../dev/chain.ts');
  const { startFacilitator } = await import('../../dev/facilitator.ts');
  const { people } = await import('../../dev/people.ts');
  const chain = await startChain({});
  const facilitator = await startFacilitator({ rpc: chain.rpc });
  project.provide('rpc', chain.rpc);
  project.provide('facilitator', facilitator.url);
  project.provide('receiptKey', await freshKey());
  project.provide('people', JSON.parse(JSON.stringify(people)));
  return async () => {
    await facilitator.stop();
    await chain.stop();
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
