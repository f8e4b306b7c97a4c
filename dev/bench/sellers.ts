import type { Address } from '../../src/core/hex.ts';
import { bytesOf } from '../../src/crypto/bytes.ts';
import { type Person, people, person } from '../stack/people.ts';
import { LOOPBACK } from '../stack/loopback.ts';
import type { Stack } from '../stack/stack.ts';
import { type BenchAgent, boundPayment, vanillaPayment } from './signing.ts';
import { type Bench, offerOf, startWorker, TARGET } from './subject.ts';

/** A seller on a real chain, with buyers of its own. */
export type Seller = {
  readonly name: string;
  readonly buyers: readonly BenchAgent[];
  /** Signs the first payment of a buyer. */
  readonly first: (buyer: BenchAgent) => Purchase;
  /** Signs a payment for the measured tool. */
  readonly next: (buyer: BenchAgent) => Purchase;
  readonly stop: () => Promise<void>;
};

/** A signed payment and its URL. */
export type Purchase = { readonly url: string; readonly payment: string };

/** Tool of the first payment: dear enough that the settled amount covers ten unsettled calls of the measured tool (law 7). */
const FIRST = '/tools/flaky';

const buyerOf = ({ address, privateKey }: Person): BenchAgent => ({
  address: address.toLowerCase() as Address,
  key: bytesOf(privateKey),
});

/** Countersign as `npm start` runs it, with the deployed modules: under `wrangler dev`, with queues, database and objects. */
export const countersign = async ({ gateway }: Stack): Promise<Seller> => {
  const { url, audience, port } = gateway;
  const [first, offer] = [await offerOf({ port }, FIRST), await offerOf({ port })];
  return {
    name: 'Countersign, bound',
    buyers: people.agents.slice(0, 4).map(buyerOf),
    first: (buyer) => ({ url: `${url}${FIRST}`, payment: vanillaPayment(buyer, first) }),
    next: (buyer) => ({
      url: `${url}${TARGET}`,
      payment: boundPayment(buyer, offer, { audience, tool: 'lookup', target: TARGET }),
    }),
    stop: async () => {},
  };
};

/** `@x402/hono` with scheme `exact` in raw workerd, with the same chain, facilitator and tool. */
export const exactOn = async (bench: Bench, { facilitator, upstream }: Stack): Promise<Seller> => {
  const subject = await startWorker(bench, 'exact', {
    UPSTREAM_URL: upstream.url,
    FACILITATOR_URL: facilitator.url,
    PAY_TO: person('bench payee').address,
  });
  const offer = await offerOf(subject);
  const buy = (buyer: BenchAgent): Purchase => ({
    url: `http://${LOOPBACK}:${subject.port}${TARGET}`,
    payment: vanillaPayment(buyer, offer),
  });
  return {
    name: 'x402 exact',
    buyers: people.agents.slice(4).map(buyerOf),
    first: buy,
    next: buy,
    stop: subject.stop,
  };
};
