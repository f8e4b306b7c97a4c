/**
 * Services behind every subject of the bench, in a process that is not measured: the tool; a stub x402 facilitator that accepts every
 * payment, at once or after `VERIFY_MS` and `SETTLE_MS`; and a stub node of a chain where every account is empty and without code.
 */
type Bindings = {
  readonly VERIFY_MS: string;
  readonly SETTLE_MS: string;
  readonly AUTHORIZER: string;
};

const NETWORK = 'eip155:84532';
const SENSES = JSON.stringify({
  word: 'signature',
  senses: [
    {
      part: 'noun',
      definition: 'your name written in your own handwriting',
      synonyms: ['signature'],
    },
    {
      part: 'noun',
      definition: 'a distinguishing style',
      synonyms: ['signature', 'touch'],
    },
  ],
});

const after = async (milliseconds: string): Promise<void> => {
  if (milliseconds === '0') return;
  await scheduler.wait(Number(milliseconds));
};

const supported = (authorizer: string) => ({
  kinds: [
    { x402Version: 2, scheme: 'exact', network: NETWORK },
    {
      x402Version: 2,
      scheme: 'batch-settlement',
      network: NETWORK,
      extra: { receiverAuthorizer: authorizer },
    },
  ],
  extensions: [],
  signers: {},
});

type Exchange = {
  readonly paymentPayload?: {
    readonly payload?: { readonly authorization?: { readonly from: string } };
  };
};

const payerOf = async (request: Request): Promise<string> => {
  const { paymentPayload } = await request.json<Exchange>();
  return paymentPayload?.payload?.authorization?.from ?? '';
};

type RpcBatch = readonly { readonly id: number; readonly method: string }[];

const BLOCK = '0x3e8';
const NOTHING = `0x${'00'.repeat(32)}`;
const answersOf = (batch: RpcBatch) =>
  batch.map(({ id, method }) => ({
    jsonrpc: '2.0',
    id,
    result: method === 'eth_blockNumber' ? BLOCK : method === 'eth_getCode' ? '0x' : NOTHING,
  }));

/** A stream in the wire format of OpenAI: each event is a write of its own, and the last one reports the usage. */
const eventsOf = (count: number): ReadableStream<Uint8Array> => {
  const { readable, writable } = new IdentityTransformStream();
  const write = async (): Promise<void> => {
    const writer = writable.getWriter();
    const send = async (event: object): Promise<void> =>
      await writer.write(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
    const common = {
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'small',
    };
    for (let at = 0; at < count; at += 1)
      await send({
        ...common,
        choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }],
        usage: null,
      });
    await send({ ...common, choices: [], usage: { prompt_tokens: 9, completion_tokens: count } });
    await writer.write(new TextEncoder().encode('data: [DONE]\n\n'));
    await writer.close();
  };
  void write();
  return readable;
};

/** Counts the runs of the tool and the requests to the node. */
let runs = 0;
let looks = 0;

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    switch (url.pathname) {
      case '/lookup':
        runs += 1;
        return new Response(SENSES, { headers: { 'content-type': 'application/json' } });
      case '/stream':
        return new Response(eventsOf(Number(url.searchParams.get('events'))), {
          headers: { 'content-type': 'text/event-stream' },
        });
      case '/runs':
        return Response.json(runs);
      case '/chain':
        looks += 1;
        return Response.json(answersOf(await request.json<RpcBatch>()));
      case '/looks':
        return Response.json(looks);
      case '/supported':
        return Response.json(supported(env.AUTHORIZER));
      case '/verify': {
        const payer = await payerOf(request);
        await after(env.VERIFY_MS);
        return Response.json({ isValid: true, payer });
      }
      case '/settle': {
        const payer = await payerOf(request);
        await after(env.SETTLE_MS);
        const transaction = `0x${'ab'.repeat(32)}`;
        return Response.json({ success: true, transaction, network: NETWORK, payer });
      }
      default:
        return new Response(undefined, { status: 404 });
    }
  },
} satisfies ExportedHandler<Bindings>;
