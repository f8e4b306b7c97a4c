import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server';
import {
  BatchSettlementEvmScheme,
  type Channel,
  InMemoryChannelStorage,
} from '@x402/evm/batch-settlement/server';
import { paymentMiddleware } from '@x402/hono';
import { Hono, type Handler } from 'hono';

/**
 * The strongest peer: `@x402/hono` with scheme `batch-settlement`, which verifies vouchers itself, over its store in memory. The seed
 * writes channels into that store, because the bench has no contract.
 */
type Bindings = {
  readonly UPSTREAM_URL: string;
  readonly FACILITATOR_URL: string;
  readonly PAY_TO: `0x${string}`;
};

const NETWORK = 'eip155:84532';

const openApp = ({ UPSTREAM_URL, FACILITATOR_URL, PAY_TO }: Bindings): Hono => {
  const storage = new InMemoryChannelStorage();
  const scheme = new BatchSettlementEvmScheme(PAY_TO, { storage });
  const facilitator = new HTTPFacilitatorClient({ url: FACILITATOR_URL });
  const server = new x402ResourceServer(facilitator).register(NETWORK, scheme);
  const routes = {
    'GET /tools/lookup': {
      accepts: { scheme: 'batch-settlement', price: '$0.001', network: NETWORK, payTo: PAY_TO },
      description: 'Looks up an English word.',
      mimeType: 'application/json',
    },
  } as const;
  const seed: Handler = async (context) => {
    const channels = await context.req.json<readonly Channel[]>();
    for (const channel of channels) await storage.updateChannel(channel.channelId, () => channel);
    return context.json({ channels: channels.length });
  };
  const lookup: Handler = async (context) => {
    const answer = await fetch(`${UPSTREAM_URL}/lookup${new URL(context.req.url).search}`);
    return new Response(answer.body, answer);
  };
  return new Hono()
    .post('/seed', seed)
    .use(paymentMiddleware(routes, server))
    .get('/tools/lookup', lookup);
};

let opened: Hono | undefined;

export default {
  fetch(request, env) {
    opened ??= openApp(env);
    return opened.fetch(request, env);
  },
} satisfies ExportedHandler<Bindings>;
