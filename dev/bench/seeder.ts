import type { Enrolment, PolicyOrder, ToolOrder } from '../../test/bench/stubs/enrolment.ts';
import type { Hex } from '../../src/core/hex.ts';
import { people } from '../stack/people.ts';
import { LOOPBACK } from '../stack/ports.ts';
import type { BenchAgent } from './signing.ts';

/** The Worker beside a gateway's objects that makes accounts what a bench needs, as if they had come to it through the gateway. */
export type Seeder = {
  /** Makes agents known, as payers whose payments have settled before. */
  readonly seed: (agents: readonly BenchAgent[]) => Promise<void>;
  /** What the account of an agent says of itself. */
  readonly snapshot: (agent: BenchAgent) => Promise<Readonly<Record<string, unknown>>>;
  /** Keeps objects from being evicted, which a process does to those that nobody has asked anything for ten seconds. */
  readonly wake: (addresses: readonly Hex[]) => Promise<void>;
  /** Puts one account below another. Returns the hash of the grant, for those below it. */
  readonly enrol: (enrolment: Enrolment) => Promise<Hex>;
  readonly setPolicy: (order: PolicyOrder) => Promise<void>;
  /** Puts so many tools at run time. */
  readonly putTools: (count: number) => Promise<void>;
};

/** @param output what the process has printed: there stands why an object refused. */
export const seederAt = (port: number, output: () => string): Seeder => {
  const url = `http://${LOOPBACK}:${port}`;
  const post = async (path: string, content: object): Promise<Response> => {
    const body = JSON.stringify(content);
    const answer = await fetch(`${url}${path}`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`The seeder did not do ${path}: ${output()}`);
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
    setPolicy: async (order) => {
      await post('/policy', order);
    },
    putTools: async (count) => {
      await post('/tools', {
        keeper: people.payTo.toLowerCase() as Hex,
        count,
      } satisfies ToolOrder);
    },
  };
};
