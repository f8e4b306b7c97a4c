import { afterAll, beforeAll } from 'vitest';
import { type RunningServer, serveLoopback } from '../../../dev/stack/loopback.ts';
import { nowSeconds } from './payment.ts';
import { publishedKeys } from './receipt.ts';
import type { World } from './world.ts';

/** A webhook message as it arrived. */
export type Received = { readonly path: string; readonly headers: Headers; readonly body: string };

/** Starts a receiver of webhooks before the tests and stops it after them. */
export const useReceiver = (
  respond: (path: string) => Response = () => new Response(null, { status: 204 }),
): { readonly received: readonly Received[]; readonly url: () => string } => {
  const received: Received[] = [];
  let server: RunningServer | undefined;
  beforeAll(async () => {
    server = await serveLoopback({
      handler: async (request) => {
        const path = new URL(request.url).pathname;
        received.push({ path, headers: request.headers, body: await request.text() });
        return respond(path);
      },
    });
  });
  afterAll(async () => await server?.stop());
  return {
    received,
    url: () => {
      if (server === undefined) throw new Error('the receiver does not run');
      return server.url;
    },
  };
};

/** Verifies a message as a receiver does: Standard Webhooks (`v1a`), with the keys that the gateway publishes. */
export const isGenuine = async (world: World, { headers, body }: Received): Promise<boolean> => {
  const { keys } = await publishedKeys(world);
  const id = headers.get('webhook-id') ?? '';
  const timestamp = headers.get('webhook-timestamp') ?? '';
  const [version, signature = ''] = (headers.get('webhook-signature') ?? '').split(',');
  if (version !== 'v1a' || Math.abs(Number(timestamp) - nowSeconds()) > 300) return false;
  const content = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const verdicts = keys.map(async (jwk) => {
    const key = await crypto.subtle.importKey('jwk', jwk as JsonWebKey, 'Ed25519', false, [
      'verify',
    ]);
    return await crypto.subtle.verify('Ed25519', key, Buffer.from(signature, 'base64'), content);
  });
  return (await Promise.all(verdicts)).includes(true);
};
