import type { Enrolment, PolicyChange, ToolChange } from '../../test/bench/stubs/enrolment.ts';
import type { Hex } from '../../src/core/hex.ts';
import { people } from '../stack/people.ts';
import { LOOPBACK } from '../stack/ports.ts';
import type { BenchAgent } from './signing.ts';

/** Prepares accounts by RPC, as if their history had come through the gateway. */
export type Seeder = {
  /** Gives agents a settled payment, which makes them known payers. */
  readonly seed: (agents: readonly BenchAgent[]) => Promise<void>;
  /** Reads the snapshot of an agent's account. */
  readonly snapshot: (agent: BenchAgent) => Promise<Readonly<Record<string, unknown>>>;
  /** Prevents eviction: workerd evicts objects that receive no request for ten seconds. */
  readonly wake: (addresses: readonly Hex[]) => Promise<void>;
  /** Registers a grant from one account to another. @returns its hash, which child grants name. */
  readonly enrol: (enrolment: Enrolment) => Promise<Hex>;
  readonly setPolicy: (change: PolicyChange) => Promise<void>;
  /** Puts tools at run time. */
  readonly putTools: (count: number) => Promise<void>;
};

/** Connects to the seeder. @param output of the process, for errors. */
export const seederAt = (port: number, output: () => string): Seeder => {
  const url = `http://${LOOPBACK}:${port}`;
  const post = async (path: string, content: object): Promise<Response> => {
    const body = JSON.stringify(content);
    const answer = await fetch(`${url}${path}`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`The seeder failed at ${path}: ${output()}`);
    return answer;
  };
  return {
    seed: async (agents) => {
      const payers = agents.map(({ address }) => address);
      await post('/', { payers, payTo: people.payTo.toLowerCase() });
    },
    snapshot: async ({ address }) => {
      const answer = await fetch(`${url}/snapshot?payer=${address}`);
      return (await answer.json()) as Readonly<Record<string, unknown>>;
    },
    wake: async (addresses) => {
      await post('/wake', addresses);
    },
    enrol: async (enrolment) => (await (await post('/enrol', enrolment)).json()) as Hex,
    setPolicy: async (change) => {
      await post('/policy', change);
    },
    putTools: async (count) => {
      await post('/tools', {
        keeper: people.payTo.toLowerCase() as Hex,
        count,
      } satisfies ToolChange);
    },
  };
};
