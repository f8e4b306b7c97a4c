import { createHash } from 'node:crypto';
import type { LocalAccount } from 'viem';
import { randomNonce } from '../../../dev/payer.ts';
import type { AgentIntent } from '../../../src/intent/agent-intent.ts';
import { encodeAgentIntent } from '../../../src/intent/header.ts';
import { nowSeconds } from './payment.ts';
import type { ToolCall, World } from './world.ts';

const types = {
  AgentIntent: [
    { name: 'agent', type: 'address' },
    { name: 'audience', type: 'string' },
    { name: 'tool', type: 'string' },
    { name: 'method', type: 'string' },
    { name: 'target', type: 'string' },
    { name: 'contentType', type: 'string' },
    { name: 'payloadDigest', type: 'bytes32' },
    { name: 'payTo', type: 'address' },
    { name: 'asset', type: 'address' },
    { name: 'maxAmount', type: 'uint256' },
    { name: 'validAfter', type: 'uint64' },
    { name: 'validBefore', type: 'uint64' },
    { name: 'nonce', type: 'bytes32' },
    { name: 'authority', type: 'bytes32' },
  ],
} as const;

const ZERO = `0x${'0'.repeat(40)}` as const;
const ZERO_WORD = `0x${'0'.repeat(64)}` as const;

/** Signs an `Agent-Intent` for a call of a free tool, by viem's own typed-data hashing, but for the fields given. */
export const signIntent = async (
  world: World,
  account: LocalAccount,
  call: ToolCall,
  fields: Partial<AgentIntent> = {},
  chainId = 84532,
) => {
  const intent: AgentIntent = {
    agent: account.address.toLowerCase() as `0x${string}`,
    audience: world.stack.description.audience,
    tool: 'whoami',
    method: call.method ?? 'GET',
    target: call.path,
    contentType: call.contentType ?? '',
    payloadDigest: `0x${createHash('sha256')
      .update(call.body ?? '')
      .digest('hex')}`,
    payTo: ZERO,
    asset: ZERO,
    maxAmount: 0n,
    validAfter: BigInt(nowSeconds() - 5),
    validBefore: BigInt(nowSeconds() + 60),
    nonce: randomNonce(),
    authority: ZERO_WORD,
    ...fields,
  };
  const signature = await account.signTypedData({
    domain: { name: 'Countersign', version: '1', chainId },
    types,
    primaryType: 'AgentIntent',
    message: intent,
  });
  return { chainId, intent, signature };
};

export type SignedIntent = Awaited<ReturnType<typeof signIntent>>;

/** The header that carries it. */
export const agentIntent = (signed: SignedIntent): { 'Agent-Intent': string } => ({
  'Agent-Intent': encodeAgentIntent(signed),
});
