import { createHash, randomBytes } from 'node:crypto';
import { type Hex, hashTypedData, type LocalAccount } from 'viem';
import { type AgentIntent, encodeAgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { advertOf } from './offer.ts';
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

export const CHAIN = 84532;
const ZERO = `0x${'0'.repeat(40)}` as const;
const ZERO_HASH = `0x${'0'.repeat(64)}` as const;

export const sha256 = (bytes: string | Uint8Array): Hex =>
  `0x${createHash('sha256').update(bytes).digest('hex')}`;

/** The retry secrets of all intents that the tests made, by nonce. */
const secrets = new Map<Hex, Buffer>();

const sent = new Set<Uint8Array>();

/** The retry secrets that tests sent in headers. The gateway must store none of them. */
export const sentRetrySecrets = (): readonly Uint8Array[] => [...sent];

/** A nonce that commits to a new retry secret. */
const drawNonce = (): Hex => {
  const secret = randomBytes(32);
  const nonce = sha256(Buffer.concat([Buffer.from('countersign-retry/1\n'), secret]));
  secrets.set(nonce, secret);
  return nonce;
};

/** The `Agent-Retry-Key` header, with which the client that made the intent gets the stored answer. */
export const retryKey = ({ nonce }: Pick<AgentIntent, 'nonce'>): { 'Agent-Retry-Key': string } => {
  const secret = secrets.get(nonce);
  if (secret === undefined) throw new Error('this intent was made elsewhere');
  sent.add(secret);
  return { 'Agent-Retry-Key': secret.toString('base64url') };
};

const typedData = (message: AgentIntent, chainId: number) =>
  ({
    domain: { name: 'Countersign', version: '1', chainId },
    types,
    primaryType: 'AgentIntent',
    message,
  }) as const;

/** The digest of an intent, computed with viem alone, independently of the gateway's code. */
export const digestOf = (intent: AgentIntent, chainId: number = CHAIN): Hex =>
  hashTypedData(typedData(intent, chainId));

/** An intent for a call of a free tool (`whoami` by default). `fields` override it. */
export const intentFor = (
  world: World,
  agent: string,
  call: ToolCall,
  fields: Partial<AgentIntent> = {},
): AgentIntent => ({
  agent: agent.toLowerCase() as `0x${string}`,
  audience: world.stack.description.audience,
  tool: 'whoami',
  method: call.method ?? 'GET',
  target: call.path,
  contentType: call.contentType ?? '',
  payloadDigest: sha256(call.body ?? ''),
  payTo: ZERO,
  asset: ZERO,
  maxAmount: 0n,
  validAfter: BigInt(nowSeconds() - 5),
  validBefore: BigInt(nowSeconds() + 60),
  nonce: drawNonce(),
  authority: ZERO_HASH,
  ...fields,
});

/** An intent for a paid tool, with tool, payee, asset and price from the call's 402. `fields` override it. */
export const paidIntentFor = async (
  world: World,
  agent: string,
  call: ToolCall,
  fields: Partial<AgentIntent> = {},
): Promise<AgentIntent> => {
  const offered = await world.offer(call);
  const [{ payTo, asset, amount }] = offered.accepts;
  return intentFor(world, agent, call, {
    tool: advertOf(offered).tool,
    payTo: payTo.toLowerCase() as `0x${string}`,
    asset: asset.toLowerCase() as `0x${string}`,
    maxAmount: BigInt(amount),
    ...fields,
  });
};

/** Signs an intent unchanged. */
export const signFields = async (
  account: LocalAccount,
  intent: AgentIntent,
  chainId: number = CHAIN,
) => ({ chainId, intent, signature: await account.signTypedData(typedData(intent, chainId)) });

/** Signs an `Agent-Intent` for a free tool. `fields` override it. */
export const signIntent = async (
  world: World,
  account: LocalAccount,
  call: ToolCall,
  fields: Partial<AgentIntent> = {},
  chainId: number = CHAIN,
) => await signFields(account, intentFor(world, account.address, call, fields), chainId);

/** Signs an `Agent-Intent` that pays for a call from credit. `fields` override it. */
export const signPaidIntent = async (
  world: World,
  account: LocalAccount,
  call: ToolCall,
  fields: Partial<AgentIntent> = {},
) => await signFields(account, await paidIntentFor(world, account.address, call, fields));

export type SignedIntent = Awaited<ReturnType<typeof signIntent>>;

/** The header with a signed intent. */
export const agentIntent = (signed: SignedIntent): { 'Agent-Intent': string } => ({
  'Agent-Intent': encodeAgentIntent(signed),
});
