import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { paymentMiddleware } from '@x402/hono';
import { Hono, type Handler } from 'hono';

/** The most common peer: `@x402/hono` with scheme `exact`. A facilitator verifies and settles within the request. */
type Bindings = {
  readonly UPSTREAM_URL: string;
  readonly FACILITATOR_URL: string;
  readonly PAY_TO: string;
};

const NETWORK = 'eip155:84532';

const openApp = ({ UPSTREAM_URL, FACILITATOR_URL, PAY_TO }: Bindings): Hono => {
  const facilitator = new HTTPFacilitatorClient({ url: FACILITATOR_URL });
  const server = new x402ResourceServer(facilitator).register(NETWORK, new ExactEvmScheme());
  const routes = {
    'GET /tools/lookup': {
      accepts: { scheme: 'exact', price: '$0.001', network: NETWORK, payTo: PAY_TO },
      description: 'Looks up an English word.',
      mimeType: 'application/json',
    },
  } as const;
  const lookup: Handler = async (context) => {
    const answer = await fetch(`${UPSTREAM_URL}/lookup${new URL(context.req.url).search}`);
    return new Response(answer.body, answer);
  };
  return new Hono().use(paymentMiddleware(routes, server)).get('/tools/lookup', lookup);
};

let opened: Hono | undefined;

export default {
  fetch(request, env) {
    opened ??= openApp(env);
    return opened.fetch(request, env);
  },
} satisfies ExportedHandler<Bindings>;
