import { createHash } from 'node:crypto';
import { people } from '../stack/people.ts';
import { getRequest } from './connection.ts';
import { agents, type BenchAgent, boundPayment, type Offer, vanillaPayment } from './signing.ts';
import { type GatewayChanges, type GatewaySubject, startGateway } from './gateway-subject.ts';
import {
  API_KEY,
  type Bench,
  offerOf,
  startWorker,
  type Subject,
  TARGET,
  type Upstream,
} from './subject.ts';
import { openChannel } from './vouchers.ts';

/** A running subject, and how it is paid. */
export type Contender = {
  readonly subject: Subject;
  /** So many requests of the first so many agents in turn, signed and never to be sent twice. */
  readonly requests: (agents: number, count: number) => Promise<readonly Buffer[]>;
  /** How long it works on after its last answer, milliseconds: that work is counted. */
  readonly afterwork: number;
};

/** Starts one in a process of its own. */
export type Open = (bench: Bench, upstream: Upstream) => Promise<Contender>;

/** As many as a bench has. */
export const AGENTS = 100;

/** The queue's stub settles and exports within a second; the account writes that down. */
const GATEWAY_AFTERWORK = 1_250;

const everybody = agents(AGENTS);

/** Deals out calls to agents in turn. */
const inTurn = async (
  of: number,
  count: number,
  make: (agent: BenchAgent, number: number) => Buffer | Promise<Buffer>,
): Promise<readonly Buffer[]> => {
  const made: Buffer[] = [];
  for (let at = 0; at < count; at += 1) {
    const agent = everybody[at % of];
    if (agent !== undefined) made.push(await make(agent, at % of));
  }
  return made;
};

const PAYMENT = 'PAYMENT-SIGNATURE';

/** Signs one request to a gateway. */
type Pay = (gateway: GatewaySubject, agent: BenchAgent, offer: Offer) => string;

const openGateway =
  (pay: Pay, changes: GatewayChanges): Open =>
  async (bench, upstream) => {
    const gateway = await startGateway(bench, upstream, changes);
    const offer = await offerOf(gateway);
    await gateway.seed(everybody);
    return {
      subject: gateway,
      afterwork: GATEWAY_AFTERWORK,
      requests: (of, count) =>
        inTurn(of, count, (agent) =>
          getRequest(gateway.port, TARGET, { [PAYMENT]: pay(gateway, agent, offer) }),
        ),
    };
  };

/** Ours, paid by a payment whose nonce is the digest of an `AgentIntent`. */
export const openBound = (changes: GatewayChanges): Open =>
  openGateway(
    ({ audience }, agent, offer) =>
      boundPayment(agent, offer, { audience, tool: 'lookup', target: TARGET }),
    changes,
  );

export const bound: Open = openBound({});

/** Ours, paid as any x402 client pays. */
export const vanilla: Open = openGateway((_, agent, offer) => vanillaPayment(agent, offer), {});

/** `@x402/hono` with scheme `exact`. */
export const exact: Open = async (bench, upstream) => {
  const subject = await startWorker(bench, 'exact', {
    UPSTREAM_URL: upstream.url,
    FACILITATOR_URL: upstream.url,
    PAY_TO: people.payTo,
  });
  const offer = await offerOf(subject);
  return {
    subject,
    afterwork: 0,
    requests: (of, count) =>
      inTurn(of, count, (agent) =>
        getRequest(subject.port, TARGET, { [PAYMENT]: vanillaPayment(agent, offer) }),
      ),
  };
};

/** `@x402/hono` with scheme `batch-settlement` and its store in memory. */
export const batchSettlement: Open = async (bench, upstream) => {
  const subject = await startWorker(bench, 'batchSettlement', {
    UPSTREAM_URL: upstream.url,
    FACILITATOR_URL: upstream.url,
    PAY_TO: people.payTo,
  });
  const offer = await offerOf(subject);
  const channels = everybody.map((agent) => openChannel(agent, offer));
  const body = JSON.stringify(channels.map(({ stored }) => stored));
  const seeded = await fetch(`http://127.0.0.1:${subject.port}/seed`, { method: 'POST', body });
  if (!seeded.ok) throw new Error(`The channels were not seeded: ${await seeded.text()}`);
  return {
    subject,
    afterwork: 0,
    requests: (of, count) =>
      inTurn(of, count, async (_, number) => {
        const payment = (await channels[number]?.pay()) ?? '';
        return getRequest(subject.port, TARGET, { [PAYMENT]: payment });
      }),
  };
};

/** A Worker that compares an API key: the floor. */
export const apiKey: Open = async (bench, upstream) => {
  const subject = await startWorker(bench, 'apiKey', {
    UPSTREAM_URL: upstream.url,
    API_KEY_SHA256: createHash('sha256').update(API_KEY).digest('hex'),
  });
  const request = getRequest(subject.port, TARGET, { 'X-API-Key': API_KEY });
  return {
    subject,
    afterwork: 0,
    requests: (of, count) => inTurn(of, count, () => request),
  };
};
