import { getAddress } from 'viem';
import { CHAIN_ID, usdc } from './chain-access.ts';
import { people } from './people.ts';
import type { StackDescription } from './stack-directory.ts';
import type { ToolEntry } from './tools.ts';

/** Describes a running stack and the tools that it sells. */
export const describeStack = (
  parts: Pick<StackDescription, 'gateway' | 'audience' | 'rpc' | 'facilitator' | 'upstream'>,
  tools: readonly ToolEntry[],
): StackDescription => ({
  gateway: parts.gateway,
  audience: parts.audience,
  rpc: parts.rpc,
  chainId: CHAIN_ID,
  facilitator: parts.facilitator,
  upstream: parts.upstream,
  usdc: getAddress(usdc.address),
  payTo: people.payTo,
  operator: people.operator,
  owner: people.owner,
  agent: people.agent,
  agents: people.agents,
  tools: tools.map(({ id, method, path, price, settlement }) => ({
    id,
    method,
    price,
    settlement,
    url: parts.gateway + path.replace(/\*$/, ''),
  })),
});
