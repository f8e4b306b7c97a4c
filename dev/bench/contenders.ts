import { computeChannelId, signVoucher } from '@x402/evm/batch-settlement/client';
import type { Channel } from '@x402/evm/batch-settlement/server';
import { getRequest } from './connection.ts';
import { type GatewaySubject, startGateway } from './gateway-subject.ts';
import {
  agents,
  base64Json,
  type BenchAgent,
  boundPayment,
  type Offer,
  PRICE,
  vanillaPayment,
} from './signing.ts';
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
import { bytesToHex, getAddress } from 'viem';
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';

/** A payer's channel of scheme `batch-settlement`. */
type PayerChannel = {
  /** The channel in the server's store. */
  readonly stored: Channel;
  /** Signs the next payment. Each voucher promises one price more, so vouchers must arrive in sequence. */
  readonly pay: () => Promise<string>;
};

const BALANCE = 1_000_000_000_000n;
const SALT = `0x${'00'.repeat(32)}` as const;

/** Builds a funded channel without a deposit: the bench has no contract. */
const storedChannel = (
  { address }: PrivateKeyAccount,
  { accepts: [accepted] }: Offer,
): Channel & { readonly channelId: `0x${string}` } => {
  const channelConfig = {
    payer: address,
    payerAuthorizer: address,
    receiver: getAddress(accepted.payTo),
    receiverAuthorizer: accepted.extra?.['receiverAuthorizer'] as `0x${string}`,
    token: getAddress(accepted.asset),
    withdrawDelay: Number(accepted.extra?.['withdrawDelay']),
    salt: SALT,
  };
  return {
    channelId: computeChannelId(channelConfig, accepted.network),
    channelConfig,
    chargedCumulativeAmount: '0',
    signedMaxClaimable: '0',
    signature: '0x',
    balance: BALANCE.toString(),
    totalClaimed: '0',
    withdrawRequestedAt: 0,
    refundNonce: 0,
    onchainSyncedAt: Date.now(),
    lastRequestTimestamp: Date.now(),
  };
};

const openChannel = ({ key }: BenchAgent, offer: Offer): PayerChannel => {
  const [accepted] = offer.accepts;
  const account = privateKeyToAccount(bytesToHex(key));
  const stored = storedChannel(account, offer);
  let promised = 0n;
  return {
    stored,
    pay: async () => {
      promised += PRICE;
      const { channelId, channelConfig } = stored;
      const amount = promised.toString();
      const voucher = await signVoucher(account, channelId, amount, accepted.network);
      return base64Json({
        x402Version: 2,
        resource: offer.resource,
        accepted,
        payload: { type: 'voucher', channelConfig, voucher },
      });
    },
  };
};

/** A running subject and its client. */
export type Contender = {
  readonly subject: Subject;
  /** Signs a number of requests of a number of agents in turn, each to be sent once. */
  readonly requests: (agents: number, count: number) => Promise<readonly Buffer[]>;
  /** Milliseconds during which the subject still works after the last answer. The CPU of that time is part of the cost. */
  readonly afterwork: number;
};

/** Starts a contender in a process of its own. */
export type Open = (bench: Bench, upstream: Upstream) => Promise<Contender>;

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
type Pay = (gateway: GatewaySubject, agent: BenchAgent, offer: Offer) => string;

const openGateway =
  (pay: Pay): Open =>
  async (bench, upstream) => {
    const gateway = await startGateway(bench, upstream);
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

/** Countersign with bound payments. */
export const bound: Open = openGateway(({ audience }, agent, offer) =>
  boundPayment(agent, offer, { audience, tool: 'lookup', target: TARGET }),
);

/** Countersign with vanilla x402 payments. */
export const vanilla: Open = openGateway((_, agent, offer) => vanillaPayment(agent, offer));

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
