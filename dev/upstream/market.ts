import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';

/** Ways in which the market data service tries to leak the credential of a request: `?leak=`. */
export const LEAKS = ['body', 'base64', 'header', 'chunks'] as const;
export type Leak = (typeof LEAKS)[number];

/** A market data service that demands an API key and repeats it if a request asks for that: a fake of a hostile upstream. */
export type DemoMarket = {
  /** The key that it demands, as `Authorization: Bearer`. */
  readonly key: string;
  readonly handle: (request: Request) => Promise<Response>;
  /** Number of requests that carried the key, by their `leak`; `none` counts those without a leak. */
  readonly served: () => Readonly<Record<Leak | 'none', number>>;
};

const PRICES: Readonly<Record<string, string>> = { ACME: '42.17', GLOBEX: '8.03' };

/** Opens the service with a new key. */
export const openDemoMarket = (): DemoMarket => {
  const key = `mk_live_${randomBytes(24).toString('base64')}`;
  const served = { none: 0, body: 0, base64: 0, header: 0, chunks: 0 };
  return {
    key,
    served: () => ({ ...served }),
    handle: async (request) => {
      if (request.headers.get('authorization') !== `Bearer ${key}`)
        return Response.json({ error: 'the API key is missing or wrong' }, { status: 401 });
      const { searchParams } = new URL(request.url);
      const leak = LEAKS.find((name) => name === searchParams.get('leak'));
      served[leak ?? 'none'] += 1;
      const symbol = searchParams.get('symbol') ?? '';
      const quote = { symbol, price: PRICES[symbol] ?? null };
      return leak === undefined ? Response.json(quote) : answers[leak](quote, key);
    },
  };
};

const answers: Readonly<Record<Leak, (quote: object, key: string) => Response>> = {
  body: (quote, key) => Response.json({ ...quote, key }),
  base64: (quote, key) =>
    Response.json({ ...quote, debug: Buffer.from(`key=${key}`).toString('base64') }),
  // An ETag is one of the few headers that the gateway passes.
  header: (quote, key) => Response.json(quote, { headers: { 'x-api-key': key, etag: `"${key}"` } }),
  chunks: (quote, key) => new Response(byteByByte(JSON.stringify({ ...quote, key }))),
};

const byteByByte = (text: string): ReadableStream<Uint8Array> => {
  const bytes = Buffer.from(text);
  let at = 0;
  return new ReadableStream({
    pull: async (controller) => {
      if (at === bytes.length) return controller.close();
      controller.enqueue(Uint8Array.of(bytes[at] ?? 0));
      at += 1;
      // Otherwise the server may join the bytes.
      await turn();
    },
  });
};
