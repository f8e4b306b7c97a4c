import { x402Facilitator } from '@x402/core/facilitator';
import {
  isPaymentPayload,
  isPaymentPayloadV1,
  isPaymentRequirementsV1,
  isPaymentRequirementsV2,
} from '@x402/core/schemas';
import { type FacilitatorEvmSigner, toFacilitatorEvmSigner } from '@x402/evm';
import { registerExactEvmScheme } from '@x402/evm/exact/facilitator';
import { UptoEvmScheme } from '@x402/evm/upto/facilitator';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { createWalletClient, type Hex, http, publicActions } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { createNonceManager, jsonRpc } from 'viem/nonce';
import * as z from 'zod/mini';
import { people } from './people.ts';
import { type Handler, type RunningServer, serveLoopback } from './loopback.ts';

/**
 * How long a settlement waits for its block before it answers `settlement_pending`. x402's HTTP client gives up after 90 seconds; an
 * earlier answer gives it the transaction hash.
 */
const CONFIRMATION_TIMEOUT_MS = 60_000;
const BODY_LIMIT = 65_536;

const envelope = z.object({ paymentPayload: z.unknown(), paymentRequirements: z.unknown() });

type Exchange = Parameters<x402Facilitator['settle']>;

/** Parses the body of /verify and /settle. @returns undefined unless payload and requirements have the same x402 version. */
const exchangeOf = (body: unknown): Exchange | undefined => {
  const parsed = envelope.safeParse(body);
  if (!parsed.success) return undefined;
  const { paymentPayload: payload, paymentRequirements: requirements } = parsed.data;
  if (!isPaymentPayload(payload)) return undefined;
  const matches = isPaymentPayloadV1(payload)
    ? requirements instanceof Object && isPaymentRequirementsV1(requirements as never)
    : requirements instanceof Object && isPaymentRequirementsV2(requirements as never);
  return matches ? ([payload, requirements] as unknown as Exchange) : undefined;
};

/**
 * Signs and sends transactions with one key. viem's nonce manager assigns the nonces: without it, two thirds of twenty parallel
 * settlements fail. Each facilitator has its own manager, because viem's shared one would keep counting on the next chain; so two
 * facilitators must not share a key.
 */
const signerOf = (rpc: string, key: Hex): FacilitatorEvmSigner => {
  const nonceManager = createNonceManager({ source: jsonRpc() });
  const client = createWalletClient({
    account: privateKeyToAccount(key, { nonceManager }),
    chain: baseSepolia,
    transport: http(rpc),
    pollingInterval: 50,
    cacheTime: 0,
  }).extend(publicActions);
  const { writeContract } = client;
  // Race: after a failed transaction the manager reads the nonce from the chain and could assign one again that is in flight. So one
  // transaction at a time goes from nonce to broadcast; waiting for blocks stays parallel.
  let sending: Promise<unknown> = Promise.resolve();
  const inTurn: typeof writeContract = (parameters) => {
    const sent = sending.then(() => writeContract(parameters as never));
    sending = sent.catch(() => undefined);
    return sent;
  };
  const signer = { ...client, address: client.account.address, writeContract: inTurn };
  return toFacilitatorEvmSigner(signer as unknown as Parameters<typeof toFacilitatorEvmSigner>[0], {
    confirmationTimeoutMs: CONFIRMATION_TIMEOUT_MS,
  });
};

/** Serves the three routes of a facilitator with the official classes: x402 v1 and v2, schemes `exact` and `upto`. */
export const facilitatorHandler = (options: {
  readonly rpc: string;
  readonly key: Hex;
}): Handler => {
  const network = `eip155:${baseSepolia.id}` as const;
  const signer = signerOf(options.rpc, options.key);
  const facilitator = registerExactEvmScheme(new x402Facilitator(), { signer, networks: network });
  facilitator.register(network, new UptoEvmScheme(signer));
  const app = new Hono();
  app.use(bodyLimit({ maxSize: BODY_LIMIT }));
  app.onError((error, context) =>
    error instanceof HTTPException
      ? error.getResponse()
      : context.json({ error: error.message }, 500),
  );
  app.get('/supported', (context) => context.json(facilitator.getSupported()));
  for (const action of ['verify', 'settle'] as const)
    app.post(`/${action}`, async (context) => {
      const body: unknown = await context.req.json().catch(() => undefined);
      const exchange = exchangeOf(body);
      if (exchange === undefined)
        return context.json({ error: 'not a payment payload with its requirements' }, 400);
      return context.json(await facilitator[action](...exchange));
    });
  return app.fetch;
};

/**
 * Starts a facilitator over HTTP on 127.0.0.1. `wrap` intercepts its requests, e.g. to answer 500 after a settlement was broadcast.
 */
export const startFacilitator = async (options: {
  readonly rpc: string;
  readonly port?: number;
  /** Key that pays gas; the first of `people.facilitators` by default. */
  readonly key?: Hex;
  readonly wrap?: (real: Handler) => Handler;
}): Promise<RunningServer> => {
  const real = facilitatorHandler({
    rpc: options.rpc,
    key: options.key ?? people.facilitators[0].privateKey,
  });
  const handler = options.wrap?.(real) ?? real;
  return await serveLoopback({
    handler,
    ...(options.port === undefined ? {} : { port: options.port }),
  });
};
