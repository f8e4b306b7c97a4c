import type { Address, Hex } from '../../src/core/hex.ts';
import { bytesOf } from '../../src/crypto/bytes.ts';
import { type Person, person } from '../stack/people.ts';
import type { Gateway } from '../stack/gateway.ts';
import { LOOPBACK } from '../stack/loopback.ts';
import type { Stack } from '../stack/stack.ts';
import { type BenchAgent, boundPayment, nonceOf, type Offer, vanillaPayment } from './signing.ts';
import { type Bench, offerOf, startWorker, TARGET } from './subject.ts';

/** A seller on a real chain, with buyers of its own. */
export type Seller = {
  readonly name: (typeof SELLER)[keyof typeof SELLER];
  readonly port: number;
  readonly buyers: readonly BenchAgent[];
  /** Signs the first payment of a buyer. */
  readonly first: (buyer: BenchAgent) => Purchase;
  /** Signs a payment for the measured tool: a bound payment if the seller accepts those. */
  readonly next: (buyer: BenchAgent) => Purchase;
  /** Signs a payment for the measured tool as any x402 client does, with one signature. */
  readonly vanilla: (buyer: BenchAgent) => string;
  readonly stop: () => Promise<void>;
};

/** Names of the sellers. */
export const SELLER = {
  bound: 'Countersign, bound',
  relayer: 'Countersign, relayer',
  facilitator: 'Countersign, facilitator',
  exact: 'x402 exact',
  facilitated: 'x402 exact, Countersign as its facilitator',
} as const;

/** A signed payment, its URL, and the body of a POST. */
export type Purchase = { readonly url: string; readonly payment: string; readonly body?: string };

/** A payment that was answered, with times of `performance.now()`. */
export type Paid = { readonly nonce: Hex; readonly at: number; readonly answeredAt: number };

/** Tool of the first payment: expensive enough that the settled amount covers 15,000 unsettled calls of the measured tool (law 7). */
const FIRST = '/tools/enrich';

export const buyerOf = ({ address, privateKey }: Person): BenchAgent => ({
  address: address.toLowerCase() as Address,
  key: bytesOf(privateKey),
});

/** Buys once. @throws Error if the status of the answer is not 200. */
export const buy = async ({ url, payment, body }: Purchase): Promise<Paid> => {
  const at = performance.now();
  const headers = { 'PAYMENT-SIGNATURE': payment };
  const answer = await fetch(
    url,
    body === undefined ? { headers } : { method: 'POST', headers, body },
  );
  const text = await answer.text();
  const answeredAt = performance.now();
  if (answer.status === 200) return { nonce: nonceOf(payment), at, answeredAt };
  throw new Error(`${url} answered ${answer.status}: ${text}`);
};

/** Sends the first payment of each buyer, all at once. */
export const buyFirst = async ({ buyers, first }: Seller): Promise<readonly Paid[]> =>
  await Promise.all(buyers.map(async (buyer) => await buy(first(buyer))));

/** Reads the offer of the tool of the first payment, which takes a POST. */
const firstOffer = async (url: string): Promise<Offer> => {
  const { headers, status } = await fetch(`${url}${FIRST}`, { method: 'POST' });
  const offer = headers.get('payment-required');
  if (offer === null) throw new Error(`${url}${FIRST} answered ${status} without an offer.`);
  return JSON.parse(Buffer.from(offer, 'base64').toString()) as Offer;
};

/** Countersign as `npm start` runs it, with the deployed modules: in Miniflare, with queues, database and objects. */
export const countersign = async (
  { url, audience, port }: Gateway,
  name: Seller['name'],
  buyers: readonly BenchAgent[],
): Promise<Seller> => {
  const [first, offer] = [await firstOffer(url), await offerOf({ port })];
  return {
    name,
    port,
    buyers,
    first: (buyer) => ({
      url: `${url}${FIRST}`,
      payment: vanillaPayment(buyer, first),
      body: JSON.stringify({ text: 'signature' }),
    }),
    next: (buyer) => ({
      url: `${url}${TARGET}`,
      payment: boundPayment(buyer, offer, { audience, tool: 'lookup', target: TARGET }),
    }),
    vanilla: (buyer) => vanillaPayment(buyer, offer),
    stop: async () => {},
  };
};

/** Receives the payments to `@x402/hono`. */
export const PAYEE = person('bench payee');

/** `@x402/hono` with scheme `exact` in raw workerd, with the same chain and tool, and a facilitator at this URL. */
export const exactOn = async (
  bench: Bench,
  {
    facilitator,
    upstream,
  }: { readonly facilitator: { readonly url: string }; readonly upstream: Stack['upstream'] },
  buyers: readonly BenchAgent[],
  name: Seller['name'] = SELLER.exact,
): Promise<Seller> => {
  const subject = await startWorker(bench, 'exact', {
    UPSTREAM_URL: upstream.url,
    FACILITATOR_URL: facilitator.url,
    PAY_TO: PAYEE.address,
  });
  const offer = await offerOf(subject);
  const vanilla = (buyer: BenchAgent): string => vanillaPayment(buyer, offer);
  const purchase = (buyer: BenchAgent): Purchase => ({
    url: `http://${LOOPBACK}:${subject.port}${TARGET}`,
    payment: vanilla(buyer),
  });
  return {
    name,
    port: subject.port,
    buyers,
    first: purchase,
    next: purchase,
    vanilla,
    stop: subject.stop,
  };
};
