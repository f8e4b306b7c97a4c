import { ExactEvmScheme } from '@x402/evm';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { createWalletClient, http, type LocalAccount, publicActions } from 'viem';
import { baseSepolia } from 'viem/chains';
import { wrapFetchWithPayment } from 'x402-fetch';
import type { ToolCall, World } from './world.ts';

/** `fetch` of the official x402 v2 client, set up as in its README. */
export const newer = (account: LocalAccount, through: typeof fetch = fetch): typeof fetch =>
  wrapFetchWithPaymentFromConfig(through, {
    schemes: [{ network: 'eip155:84532', client: new ExactEvmScheme(account) }],
  }) as typeof fetch;

/** `fetch` of the official x402 v1 client. */
export const older = (account: LocalAccount, through: typeof fetch = fetch): typeof fetch =>
  wrapFetchWithPayment(
    through,
    createWalletClient({
      account,
      chain: baseSepolia,
      transport: http('http://127.0.0.1:1'),
    }).extend(publicActions) as unknown as Parameters<typeof wrapFetchWithPayment>[1],
  ) as typeof fetch;

/** Makes a call with one of these `fetch` functions. */
export const useWith = async (
  world: World,
  paying: typeof fetch,
  call: ToolCall,
): Promise<Response> =>
  await paying(world.stack.description.gateway + call.path, {
    method: call.method ?? 'GET',
    ...(call.body === undefined ? {} : { body: call.body }),
    ...(call.contentType === undefined ? {} : { headers: { 'Content-Type': call.contentType } }),
  });
