import type { LocalAccount } from 'viem';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { agentIntent, signIntent } from './intent.ts';
import type { ToolCall, World } from './world.ts';

export const callPath = (id: string): ToolCall => ({ path: `/calls/${id}` });

/** Looks a call up with the account's signature. */
export const lookUp = async (
  world: World,
  account: LocalAccount,
  id: string,
  fields: Partial<AgentIntent> = {},
): Promise<Response> => {
  const call = callPath(id);
  const signed = await signIntent(world, account, call, { tool: 'countersign.calls', ...fields });
  return await world.send(call, agentIntent(signed));
};
