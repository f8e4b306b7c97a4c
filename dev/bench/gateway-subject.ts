import { getRequest } from './connection.ts';
import { type BenchAgent, boundPayment } from './signing.ts';
import {
  type Bench,
  newDirectory,
  offerOf,
  start,
  type Subject,
  TARGET,
  type Upstream,
} from './subject.ts';
import { type Binding, type Service, startWorkerd } from './workerd.ts';
import { usdc } from '../stack/chain-access.ts';
import { freePort, LOOPBACK } from '../stack/loopback.ts';
import { people } from '../stack/people.ts';
import { otherModules } from '../worker-modules.ts';
import { newReceiptKey } from '../../src/cli/init/files.ts';

/** Prepares accounts by RPC, as if their history had come through the gateway. */
type Seeder = {
  /** Gives agents a settled payment, which makes them known payers. */
  readonly seed: (agents: readonly BenchAgent[]) => Promise<void>;
  /** Reads the snapshot of an agent's account. */
  readonly snapshot: (agent: BenchAgent) => Promise<Readonly<Record<string, unknown>>>;
};

/** Connects to the seeder. @param output of the process, for errors. */
const seederAt = (port: number, output: () => string): Seeder => {
  const url = `http://${LOOPBACK}:${port}`;
  return {
    seed: async (agents) => {
      const payers = agents.map(({ address }) => address);
      const body = JSON.stringify({ payers, payTo: people.payTo.toLowerCase() });
      const answer = await fetch(url, { method: 'POST', body });
      if (!answer.ok) throw new Error(`The seeder failed: ${output()}`);
    },
    snapshot: async ({ address }) => {
      const answer = await fetch(`${url}/snapshot?payer=${address}`);
      return (await answer.json()) as Readonly<Record<string, unknown>>;
    },
  };
};

/** A gateway with stubs of its queues and database, and a seeder. */
export type GatewaySubject = Subject & Seeder & { readonly audience: string };

/** Limits that the bench does not reach. */
export const POLICY = {
  perCall: '1000000000000u',
  exposure: '1000000000000000u',
  rate: { limit: 1_000_000, seconds: 1 },
};

const QUEUES = {
  SETTLEMENT_QUEUE: 'SettlementQueue',
  AUDIT_QUEUE: 'AuditQueue',
  SETTLEMENT_DEAD_QUEUE: 'IdleQueue',
  AUDIT_DEAD_QUEUE: 'IdleQueue',
  WEBHOOK_QUEUE: 'IdleQueue',
  WEBHOOK_DEAD_QUEUE: 'IdleQueue',
  AUDIT_DB: 'Database',
} as const;

const gatewayBindings = (
  audience: string,
  upstream: string,
  receiptKey: string,
): Readonly<Record<string, Binding>> => {
  const variables = {
    AUDIENCES: audience,
    LOCAL_STACK: 'true',
    PAY_TO: JSON.stringify({ [usdc.network]: people.payTo }),
    // Used only for unknown payers: the seeder writes payer facts, which are fresh for ten minutes.
    RPC_URLS: JSON.stringify({ [usdc.network]: [`${upstream}/chain`] }),
    FACILITATORS: JSON.stringify([{ url: upstream }]),
    UPSTREAM_URL: upstream,
    RECEIPT_KEY: receiptKey,
    DEFAULT_POLICY: JSON.stringify(POLICY),
    COMMAND_BYTES_PER_DAY: '',
  };
  const stubs = Object.entries(QUEUES).map(
    ([name, entrypoint]) => [name, { service: 'bindings', entrypoint }] as const,
  );
  return {
    ...Object.fromEntries(Object.entries(variables).map(([name, text]) => [name, { text }])),
    ...Object.fromEntries(stubs),
    METRICS: { wrapped: 'bench:metrics' },
    SHIELD: { wrapped: 'bench:shield' },
    AGENT_ACCOUNT: { objects: 'AgentAccount' },
    RELAYER: { objects: 'Relayer' },
  };
};

/** How a gateway of the bench may differ. */
export type GatewayChanges = {
  /** Directory that outlives the process. By default the process gets a directory that is removed with it. */
  readonly directory?: string;
  readonly inspector?: number;
};

export const startGateway = async (
  { workspace, bundles }: Bench,
  upstream: Upstream,
  { directory, inspector }: GatewayChanges = {},
): Promise<GatewaySubject> => {
  const [port, seederPort] = [await freePort(), await freePort()];
  const audience = `http://${LOOPBACK}:${port}`;
  const bindings = gatewayBindings(audience, upstream.url, await newReceiptKey());
  const accounts = { AGENT_ACCOUNT: { objects: 'AgentAccount', of: 'gateway' } };
  const services: readonly Service[] = [
    {
      name: 'gateway',
      script: bundles.gateway.main,
      more: otherModules(bundles.gateway),
      bindings,
      classes: ['AgentAccount', 'Relayer'],
      port,
    },
    {
      name: 'bindings',
      script: bundles.of('bindings'),
      bindings: accounts,
    },
    {
      name: 'seeder',
      script: bundles.of('seeder'),
      more: bundles.wasm,
      bindings: accounts,
      port: seederPort,
    },
  ];
  const more = {
    modules: { 'bench:metrics': bundles.of('metrics'), 'bench:shield': bundles.of('shield') },
    ...(inspector === undefined ? {} : { inspector }),
  };
  const process =
    directory === undefined
      ? await start(newDirectory(workspace, 'gateway'), services, more)
      : await startWorkerd({ ...more, directory, services });
  const seeder = seederAt(seederPort, process.output);
  return { ...process, ...seeder, port, audience };
};

/** Reads the offer of the tool, and returns a function that signs bound requests for it, each to be sent once. */
export const boundRequests = async (
  gateway: GatewaySubject,
): Promise<(agent: BenchAgent, count: number) => readonly Buffer[]> => {
  const offer = await offerOf(gateway);
  const request = { audience: gateway.audience, tool: 'lookup', target: TARGET };
  return (agent, count) =>
    Array.from({ length: count }, () =>
      getRequest(gateway.port, TARGET, {
        'PAYMENT-SIGNATURE': boundPayment(agent, offer, request),
      }),
    );
};
