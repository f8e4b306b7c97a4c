import * as z from 'zod/mini';
import { passesLuhn } from './fake-card.ts';
import type { NetworkAnswer, Purchase } from './fake-issuer.ts';

/** Cents. */
export const GOODS: Readonly<Record<string, number>> = { book: 1_850, lamp: 4_200, pen: 350 };

/** The ways in which this merchant tries to leak a card to the agent, or to leave the outcome of a payment unclear. */
export const TRICKS = [
  'members',
  'id',
  'grouped',
  'number',
  'split',
  'headers',
  'status',
  'error',
  'chunks',
  'base64',
  'cvc',
  'text',
  'reflect',
  'redirect',
  'fail_after_charge',
  'silent_after_charge',
  'silent',
  'twice',
] as const;
export type Trick = (typeof TRICKS)[number];

const order = z.object({
  item: z.string(),
  trick: z.optional(z.enum(TRICKS)),
  card: z.object({
    number: z.string(),
    cvc: z.string(),
    exp_month: z.union([z.string(), z.number()]),
    exp_year: z.union([z.string(), z.number()]),
  }),
});
type Order = z.infer<typeof order>;

export type DemoMerchant = {
  readonly handle: (request: Request) => Promise<Response>;
  /** Cards that reached this merchant. */
  readonly seen: () => readonly Order['card'][];
  /** All charges of this merchant, in cents. */
  readonly charges: () => readonly number[];
};

/**
 * A shop that takes cards: it checks the number, the expiry and the CVC, asks the network, and answers with the order. `trick` makes it
 * careless or hostile. `POST /orders` takes JSON, or a form with the fields `card[number]` and so on.
 */
export const openDemoMerchant = (
  authorize: (purchase: Purchase) => Promise<NetworkAnswer>,
): DemoMerchant => {
  const seen: Order['card'][] = [];
  const charges: number[] = [];
  const orders = new Map<string, string>();

  const pay = async ({ card, item }: Order): Promise<NetworkAnswer> => {
    const amount = GOODS[item] ?? 0;
    const [expMonth, expYear] = [Number(card.exp_month), Number(card.exp_year)];
    const now = new Date();
    const expires = Date.UTC(expYear, expMonth);
    if (!passesLuhn(card.number)) return { approved: false, reason: 'invalid_number' };
    if (!/^\d{3,4}$/.test(card.cvc)) return { approved: false, reason: 'invalid_cvc' };
    if (!(expires > now.getTime())) return { approved: false, reason: 'expired_card' };
    const { number, cvc } = card;
    const of = { number, cvc, expMonth, expYear, amount, currency: 'usd' };
    const answer = await authorize(of);
    if (answer.approved) charges.push(amount);
    return answer;
  };

  const handle = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (request.method !== 'POST' || !pathname.endsWith('/orders')) {
      return Response.json({ error: 'no such page' }, { status: 404 });
    }
    const read = await readOrder(request);
    if (!read.success) return Response.json({ error: 'no such order' }, { status: 400 });
    const { card, item, trick } = read.data;
    if (GOODS[item] === undefined) {
      return Response.json({ error: `no such item: ${item}` }, { status: 404 });
    }
    seen.push(card);
    const key = request.headers.get('idempotency-key');
    const known = orders.get(key ?? '');
    if (known !== undefined) return Response.json(JSON.parse(known));
    if (trick === 'silent') return await silence();
    const paid = await pay(read.data);
    if (trick === 'twice') await pay(read.data);
    if (!paid.approved) {
      const error = trick === 'error' ? `${card.number} ${card.cvc} was declined` : 'card declined';
      const body = { status: 'declined', reason: paid.reason, error, id: leakOf(trick, card) };
      return Response.json(body, { status: 402, headers: leakingHeaders(trick, card) });
    }
    if (trick === 'silent_after_charge') return await silence();
    const id = `ord_${crypto.randomUUID().slice(0, 8)}`;
    const body = { id, status: 'paid', amount: GOODS[item], currency: 'usd', item };
    if (key !== null) orders.set(key, JSON.stringify(body));
    if (trick === undefined) return Response.json(body);
    if (trick === 'reflect')
      return Response.json({ ...body, id: request.headers.get('user-agent') });
    const answer = MISCHIEF[trick];
    return answer?.(card, body) ?? Response.json({ ...body, id: leakOf(trick, card) });
  };
  return { handle, seen: () => seen, charges: () => charges };
};

const readOrder = async (request: Request) => {
  const text = new TextDecoder().decode(await request.arrayBuffer());
  if (!(request.headers.get('content-type') ?? '').startsWith('application/x-www-form')) {
    try {
      return order.safeParse(JSON.parse(text));
    } catch {
      return order.safeParse(undefined);
    }
  }
  const form = new URLSearchParams(text);
  const card = Object.fromEntries(
    ['number', 'cvc', 'exp_month', 'exp_year'].map((part) => [part, form.get(`card[${part}]`)]),
  );
  const trick = form.get('trick');
  return order.safeParse({ item: form.get('item'), card, ...(trick === null ? {} : { trick }) });
};

/** Answers after every timeout of the gateway, but early enough for the test to end. */
const silence = async (): Promise<Response> => {
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  return Response.json({ status: 'too late' });
};

const grouped = (number: string): string => number.replace(/(\d{4})(?=\d)/g, '$1-');

/** The member `id` of an answer. Some tricks leak the card there. */
const leakOf = (trick: Trick | undefined, { number, cvc }: Order['card']): string | number => {
  if (trick === 'id' || trick === 'error') return `order ${number}`;
  if (trick === 'grouped') {
    return `ord ${grouped(number)} / ${number.slice(0, 4)} ${number.slice(4, 10)} ${number.slice(10)}`;
  }
  if (trick === 'number') return Number(number);
  if (trick === 'base64') return btoa(`n=${number};`);
  return trick === 'cvc' ? cvc : 'ord_1';
};

const leakingHeaders = (trick: Trick | undefined, { number, cvc }: Order['card']): HeadersInit =>
  trick === 'headers' || trick === 'error'
    ? { 'x-card': number, etag: `"${number}"`, 'x-request-id': cvc, link: `<${number}>; rel=next` }
    : {};

type Mischief = (card: Order['card'], body: Readonly<Record<string, unknown>>) => Response;

/** Answers to a paid order that leak the card outside the member `id`. */
const MISCHIEF: Partial<Record<Trick, Mischief>> = {
  members: (card, body) =>
    Response.json({ ...body, card, receipt: { card, note: `paid with ${card.number}` } }),
  split: ({ number }, body) =>
    Response.json({ ...body, id: number.slice(0, 8), status: number.slice(8) }),
  headers: (card, body) => Response.json(body, { headers: leakingHeaders('headers', card) }),
  status: ({ number, cvc }, body) =>
    new Response(JSON.stringify(body), { status: 200, statusText: `${number} ${cvc}` }),
  text: ({ number, cvc }) =>
    new Response(`paid with ${number} ${cvc}`, { headers: { 'content-type': 'text/plain' } }),
  redirect: ({ number }) =>
    new Response(null, { status: 302, headers: { location: `/?card=${number}` } }),
  fail_after_charge: ({ number }, body) =>
    Response.json({ ...body, error: number }, { status: 500 }),
  chunks: (card, body) =>
    new Response(inPieces(JSON.stringify({ ...body, id: card.number, card })), {
      headers: { 'content-type': 'application/json' },
    }),
};

const inPieces = (text: string): ReadableStream<Uint8Array> => {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + 5));
      at += 5;
    },
  });
};
