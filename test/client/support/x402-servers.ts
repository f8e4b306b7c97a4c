import { HTTPFacilitatorClient } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { paymentMiddleware, x402ResourceServer } from '@x402/hono';
import { Hono } from 'hono';
import type { Address } from 'viem';
import { paymentMiddleware as paymentMiddlewareV1 } from 'x402-hono';
import { type RunningServer, serveLoopback } from '../../../dev/stack/loopback.ts';

/** A third-party server with one tool, and a counter of its runs. */
export type Shop = RunningServer & { readonly made: () => number };

type ShopOptions = { readonly facilitator: string; readonly payTo: Address };

/** Adds a tool that returns the request body, so that a test sees which request the server served. */
const goods = (app: Hono): (() => number) => {
  let made = 0;
  app.all('/goods', async (context) => {
    made += 1;
    const { method } = context.req;
    return context.json({ made, method, got: await context.req.text() });
  });
  app.get('/broken', (context) => context.json({ error: 'no goods' }, 500));
  return () => made;
};

/** `@x402/hono` 2.27 with the official scheme for EVM chains: x402 version 2. */
export const startShop2 = async ({ facilitator, payTo }: ShopOptions): Promise<Shop> => {
  const app = new Hono();
  const accepts = { scheme: 'exact', price: '$0.02', network: 'eip155:84532', payTo } as const;
  const route = { accepts, description: 'Goods.', mimeType: 'application/json' };
  const server = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator })).register(
    'eip155:84532',
    new ExactEvmScheme(),
  );
  app.use(paymentMiddleware({ '/goods': route, 'GET /broken': route }, server));
  const made = goods(app);
  return {
    ...(await serveLoopback({ handler: async (request) => await app.fetch(request) })),
    made,
  };
};

/** `x402-hono` 1.1.0: x402 version 1. */
export const startShop1 = async ({ facilitator, payTo }: ShopOptions): Promise<Shop> => {
  const app = new Hono();
  const route = { price: '$0.03', network: 'base-sepolia' } as const;
  app.use(
    paymentMiddlewareV1(
      payTo,
      { '/goods': route, 'GET /broken': route },
      { url: facilitator as `http://${string}` },
    ),
  );
  const made = goods(app);
  return {
    ...(await serveLoopback({ handler: async (request) => await app.fetch(request) })),
    made,
  };
};
