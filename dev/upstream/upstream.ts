import { createHash } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import * as z from 'zod/mini';
import { type RunningServer, serveLoopback } from '../stack/loopback.ts';
import { assertionChecker } from './assertion.ts';
import { type Dictionary, openDictionary } from './dictionary.ts';
import { events, misbehave } from './responses.ts';
import { statisticsOf, summarise, wordsOf } from './text.ts';
import { LANGUAGES, translate } from './translation.ts';

/** Tools of the demo upstream; also the members of `GET /_count`. */
export const DEMO_TOOLS = [
  'lookup',
  'translate',
  'report',
  'enrich',
  'notarise',
  'summarise',
  'whoami',
  'echo',
  'flaky',
  'stream',
] as const;
export type DemoTool = (typeof DEMO_TOOLS)[number];

/** Requests of each tool, whatever their answer. */
export type Counts = Record<DemoTool, number>;

export type Upstream = RunningServer & { readonly counts: () => Counts };

type App = Hono<{ Bindings: HttpBindings }>;

const BODY_LIMIT = 2 * 1024 * 1024;
const MAX_ENRICHED_WORDS = 50;

const textBody = z.object({ text: z.string() });
const translateBody = z.object({ text: z.string(), to: z.enum(LANGUAGES) });

/** With `charge`, tests choose the charged amount, as a dishonest tool would. */
const summariseBody = z.object({ text: z.string(), charge: z.optional(z.string()) });

const readJson = async (request: Request): Promise<unknown> => {
  try {
    return await request.json();
  } catch {
    return undefined;
  }
};

const addLanguageTools = (app: App, dictionary: Dictionary): void => {
  app.get('/lookup', async (context) => {
    const word = context.req.query('word') ?? '';
    const senses = await dictionary.lookup(word);
    if (senses.length === 0) return context.json({ error: 'no such word', word }, 404);
    return context.json({ word, senses });
  });
  app.post('/translate', async (context) => {
    const body = translateBody.safeParse(await readJson(context.req.raw));
    if (!body.success)
      return context.json(
        { error: `send {"text", "to"}; "to" is one of ${LANGUAGES.join(', ')}` },
        400,
      );
    return context.json(translate(body.data.text, body.data.to));
  });
  app.post('/report', async (context) => {
    const body = textBody.safeParse(await readJson(context.req.raw));
    if (!body.success) return context.json({ error: 'send {"text"}' }, 400);
    return context.json(statisticsOf(body.data.text));
  });
  app.post('/enrich', async (context) => {
    const body = textBody.safeParse(await readJson(context.req.raw));
    if (!body.success) return context.json({ error: 'send {"text"}' }, 400);
    const distinct = [...new Set(wordsOf(body.data.text))].slice(0, MAX_ENRICHED_WORDS);
    const words = await Promise.all(
      distinct.map(async (word) => ({ word, sense: (await dictionary.lookup(word))[0] ?? null })),
    );
    return context.json({ statistics: statisticsOf(body.data.text), words });
  });
  app.post('/notarise', async (context) => {
    const body = textBody.safeParse(await readJson(context.req.raw));
    if (!body.success) return context.json({ error: 'send {"text"}' }, 400);
    const sha256 = createHash('sha256').update(body.data.text).digest('hex');
    return context.json({ sha256, at: new Date().toISOString() });
  });
  // The price is known after the work: the tool tells the gateway the charge, up to the amount that the agent signed.
  app.post('/summarise', async (context) => {
    const body = summariseBody.safeParse(await readJson(context.req.raw));
    if (!body.success) return context.json({ error: 'send {"text"}' }, 400);
    const { summary, words, price } = summarise(body.data.text);
    const amount = body.data.charge ?? price.toString();
    return context.json({ summary, words }, 200, {
      'Settlement-Overrides': JSON.stringify({ amount }),
    });
  });
};

/** Answers with the request. `headers` are as Node joins them; `rawHeaders` has every line. */
const echo = async (request: Request, { incoming }: HttpBindings): Promise<Response> => {
  const bytes = Buffer.from(await request.arrayBuffer());
  const raw = incoming.rawHeaders;
  return Response.json({
    method: incoming.method,
    path: incoming.url,
    headers: incoming.headers,
    rawHeaders: raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1]]] : [])),
    body: bytes.toString('utf8'),
    bodyBase64: bytes.toString('base64'),
  });
};

const addWireTools = (app: App, check: ReturnType<typeof assertionChecker>): void => {
  app.get('/whoami', async (context) => {
    const result = await check({
      header: context.req.header('x-agent-assertion'),
      tool: 'whoami',
      body: new Uint8Array(await context.req.arrayBuffer()),
    });
    if (!result.valid) return context.json({ error: result.reason }, 401);
    return context.json(result.assertion);
  });
  app.all('/echo', async (context) => await echo(context.req.raw, context.env));
  app.all('/echo/*', async (context) => await echo(context.req.raw, context.env));
  app.get('/flaky', (context) => misbehave(new URL(context.req.url).searchParams, context.env));
  app.get('/stream', (context) => events(new URL(context.req.url).searchParams));
};

/**
 * Starts the demo upstream on 127.0.0.1. It accepts `X-Agent-Assertion` only with a signature of the gateway, whose keys it fetches on
 * first use, and for one of `audiences` (by default its own origin).
 */
export const startUpstream = async (options: {
  /** Origin of the gateway, which may start later. */
  readonly gateway: string;
  readonly port?: number;
  readonly audiences?: readonly string[];
  /** Serves `/shop/…`: a merchant that takes cards. */
  readonly shop?: (request: Request) => Promise<Response>;
  /** Serves `/market/…`: a market data service that demands a credential. */
  readonly market?: (request: Request) => Promise<Response>;
}): Promise<Upstream> => {
  const dictionary = await openDictionary();
  const counts: Counts = {
    lookup: 0,
    translate: 0,
    report: 0,
    enrich: 0,
    notarise: 0,
    summarise: 0,
    whoami: 0,
    echo: 0,
    flaky: 0,
    stream: 0,
  };
  const app: App = new Hono();
  const audiences: string[] = [...(options.audiences ?? [])];
  app.get('/_count', (context) => context.json(counts));
  app.use(async (context, next) => {
    // Counted first: tests must see every run, also one that never answers.
    const tool = DEMO_TOOLS.find((name) => context.req.path.split('/')[1] === name);
    if (tool !== undefined) counts[tool] += 1;
    await next();
  });
  app.use(bodyLimit({ maxSize: BODY_LIMIT }));
  const { shop, market } = options;
  if (shop !== undefined) app.all('/shop/*', async (context) => await shop(context.req.raw));
  if (market !== undefined) app.all('/market/*', async (context) => await market(context.req.raw));
  addLanguageTools(app, dictionary);
  addWireTools(app, assertionChecker({ gateway: options.gateway, audiences }));

  const server = await serveLoopback({
    handler: async (request, raw) => await app.fetch(request, raw),
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  if (options.audiences === undefined) audiences.push(server.url);
  const stop = async (): Promise<void> => {
    await server.stop();
    await dictionary.close();
  };
  return { ...server, stop, counts: () => ({ ...counts }) };
};
