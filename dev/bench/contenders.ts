import { getRequest } from './connection.ts';
import { startFloor } from './floor-subject.ts';
import { startGateway } from './gateway-subject.ts';
import { openChannel } from './payer-channel.ts';
import { agents, type BenchAgent, boundPayment, type Offer, vanillaPayment } from './signing.ts';
import {
  API_KEY,
  type Bench,
  offerOf,
  startWorker,
  type Subject,
  TARGET,
  type Upstream,
} from './subject.ts';
import { people } from '../stack/people.ts';
import { createHash } from 'node:crypto';

/** A running subject and its client. */
export type Contender = {
  readonly subject: Subject;
  /** Signs a number of requests of a number of agents in turn, each to be sent once. */
  readonly requests: (agents: number, count: number) => Promise<readonly Buffer[]>;
  /** Milliseconds during which the subject still works after the last answer. The CPU of that time is part of the cost. */
  readonly afterwork: number;
};

/** Starts a contender in a process of its own. @param changes `inspector`: port of its inspector; only gateway and floor have one. */
export type Open = (
  bench: Bench,
  upstream: Upstream,
  changes?: { readonly inspector?: number },
) => Promise<Contender>;

export const AGENTS = 100;

/** Milliseconds in which the stub settles and exports, and the account records both. */
const GATEWAY_AFTERWORK = 1_250;

const ALL_AGENTS = agents(AGENTS);

/** Makes requests of agents in turn. */
const inTurn = async (
  of: number,
  count: number,
  make: (agent: BenchAgent, number: number) => Buffer | Promise<Buffer>,
): Promise<readonly Buffer[]> => {
  const made: Buffer[] = [];
  for (let at = 0; at < count; at += 1) {
    const agent = ALL_AGENTS[at % of];
    if (agent !== undefined) made.push(await make(agent, at % of));
  }
  return made;
};

const PAYMENT = 'PAYMENT-SIGNATURE';

/** Signs one request to a gateway. */
type Pay = (gateway: { readonly audience: string }, agent: BenchAgent, offer: Offer) => string;

const openGateway =
  (pay: Pay): Open =>
  async (bench, upstream, changes) => {
    const gateway = await startGateway(bench, upstream, changes);
    const offer = await offerOf(gateway);
    await gateway.seed(ALL_AGENTS);
    return {
      subject: gateway,
      afterwork: GATEWAY_AFTERWORK,
      requests: (of, count) =>
        inTurn(of, count, (agent) =>
          getRequest(gateway.port, TARGET, { [PAYMENT]: pay(gateway, agent, offer) }),
        ),
    };
  };

const payBound: Pay = ({ audience }, agent, offer) =>
  boundPayment(agent, offer, { audience, tool: 'lookup', target: TARGET });

/** Countersign with bound payments. */
export const bound: Open = openGateway(payBound);

/** Countersign with vanilla x402 payments. */
export const vanilla: Open = openGateway((_, agent, offer) => vanillaPayment(agent, offer));

/** What the laws demand of a bound call, and nothing else. */
export const floor: Open = async (bench, upstream, changes) => {
  const subject = await startFloor(bench, upstream, changes);
  const offer = await offerOf(subject);
  return {
    subject,
    afterwork: GATEWAY_AFTERWORK,
    requests: (of, count) =>
      inTurn(of, count, (agent) =>
        getRequest(subject.port, TARGET, { [PAYMENT]: payBound(subject, agent, offer) }),
      ),
  };
};

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
  const channels = ALL_AGENTS.map((agent) => openChannel(agent, offer));
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

/** A Worker that compares an API key: the baseline. */
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
