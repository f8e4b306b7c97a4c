import { randomBytes } from 'node:crypto';
import { privateKeyToAccount } from 'viem/accounts';
import { createManagement } from '../../src/client/management.ts';
import { CHAIN_ID } from './chain-access.ts';
import type { Gateway } from './gateway.ts';
import { people } from './people.ts';

/** Values for the gateway's vault by the name of the secret, each with the only host that gets it. */
export type StackSecrets = Readonly<
  Record<string, { readonly host: string; readonly value: string }>
>;

/** Opens the management API of a stack's gateway as its operator. With a `fetch`, it sends each request through it, and only once. */
export const openOperator = (
  { url, audience }: Pick<Gateway, 'url' | 'audience'>,
  fetch?: typeof globalThis.fetch,
) =>
  createManagement({
    ...{ gateway: url, audience, chainId: CHAIN_ID },
    ...(fetch === undefined ? {} : { fetch, retries: 0 }),
    account: privateKeyToAccount(people.operator.privateKey),
  });

/** Stores secrets, then sells the tools that use them. The gateway must have neither of them yet. */
export const sellTools = async (
  operator: ReturnType<typeof openOperator>,
  secrets: StackSecrets,
  tools: readonly { readonly id: string }[],
): Promise<void> => {
  for (const [secret, { host, value }] of Object.entries(secrets)) {
    const blind = randomBytes(32).toString('base64url');
    const body = { kind: 'token', host, value, blind } as const;
    await operator.call('secrets.put', { params: { secret }, body });
  }
  for (const tool of tools)
    await operator.call('tools.put', { params: { tool: tool.id }, body: tool as never });
};
