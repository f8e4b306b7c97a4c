import { privateKeyToAccount } from 'viem/accounts';
import type { Tool } from '../../../src/catalog/tool.ts';
import type { Config } from '../../../src/config/config.ts';
import type { Address, Hex } from '../../../src/core/hex.ts';
import type { ReceivedRequest } from '../../../src/gateway/paid-request.ts';
import {
  type AgentIntent,
  encodeAgentIntent,
  intentDigest,
  intentFields,
  type SignedIntent,
} from '../../../src/protocol/intent/agent-intent.ts';
import type { AgentSession, SignedSession } from '../../../src/protocol/intent/agent-session.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import { encodeBase64, utf8 } from '../../../src/crypto/bytes.ts';
import { tokenOf } from '../../../src/protocol/x402/networks.ts';
import vectors from '../../vectors/countersign-v1.json';
import { configOf, toolOf } from './fixture.ts';

export const NOW = vectors.clock;
export const CHAIN_ID = 84532;
export const NETWORK = `eip155:${CHAIN_ID}` as const;
export const PAY_TO = vectors.paid.intent.payTo.toLowerCase() as Address;
const ASSET = vectors.paid.intent.asset.toLowerCase() as Address;
const ZERO: Address = `0x${'0'.repeat(40)}`;
const WORD: Hex = `0x${'0'.repeat(64)}`;

const keys = {
  agent: privateKeyToAccount(vectors.keys.agent.privateKey as Hex),
  owner: privateKeyToAccount(vectors.keys.owner.privateKey as Hex),
};
export type Who = keyof typeof keys;
export const addressOf = (who: Who): Address => keys[who].address.toLowerCase() as Address;

/** The tool and the gateway of the published vectors. */
export const translate: Tool = toolOf({
  id: 'translate',
  method: 'POST',
  path: '/tools/translate',
  price: 20_000n,
});
export const search: Tool = toolOf({
  id: 'search.web',
  method: 'GET',
  path: '/tools/search.web',
  price: 0n,
  settlement: 'free',
});
export const vectorConfig = (tools: readonly Tool[] = [translate, search]): Config => ({
  ...configOf(tools),
  payTo: new Map([[NETWORK, PAY_TO]]),
  payees: new Map([[NETWORK, [PAY_TO]]]),
});

const types = {
  AgentIntent: vectors.typeStrings.AgentIntent.replace(/^AgentIntent\(|\)$/g, '')
    .split(',')
    .map((field) => {
      const [type = '', name = ''] = field.split(' ');
      return { type, name };
    }),
};
/** EIP-3009's type of a payment, for viem. */
export const transfer = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

export const randomWord = (): Hex =>
  `0x${Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;

/** An intent without money for a received request. `fields` override it. */
export const intentFor = (
  observed: Omit<ReceivedRequest, 'body' | 'request'>,
  fields: Partial<AgentIntent> = {},
): AgentIntent => ({
  agent: addressOf('agent'),
  audience: observed.audience,
  tool: observed.tool,
  method: observed.method,
  target: observed.target,
  contentType: observed.contentType,
  payloadDigest: observed.payloadDigest,
  payTo: ZERO,
  asset: ZERO,
  maxAmount: 0n,
  validAfter: BigInt(NOW - 10),
  validBefore: BigInt(NOW + 50),
  nonce: randomWord(),
  authority: WORD,
  ...fields,
});

/** The fields of an intent that pays from credit. */
export const paying = (maxAmount: bigint): Partial<AgentIntent> => ({
  payTo: PAY_TO,
  asset: ASSET,
  maxAmount,
});

export const signIntent = async (
  intent: AgentIntent,
  who: Who = 'agent',
  chainId = CHAIN_ID,
): Promise<SignedIntent> => ({
  chainId,
  intent,
  signature: await keys[who].signTypedData({
    domain: { name: 'Countersign', version: '1', chainId },
    types,
    primaryType: 'AgentIntent',
    message: intent,
  }),
});

/** Signs a session under the local chain's domain. */
export const signSession = async (
  session: AgentSession,
  who: Who = 'owner',
  chainId = CHAIN_ID,
): Promise<SignedSession> => ({
  chainId,
  session,
  signature: await keys[who].signTypedData({
    domain: { name: 'Countersign', version: '1', chainId },
    types: {
      AgentSession: [
        { name: 'account', type: 'address' },
        { name: 'audience', type: 'string' },
        { name: 'scope', type: 'string' },
        { name: 'key', type: 'bytes32' },
        { name: 'validAfter', type: 'uint64' },
        { name: 'validBefore', type: 'uint64' },
      ],
    },
    primaryType: 'AgentSession',
    message: session,
  }),
});

export const intentHeader = (signed: SignedIntent) => ({
  'Agent-Intent': encodeAgentIntent(signed),
});

export type Terms = {
  readonly who?: Who;
  readonly value?: bigint;
  readonly to?: Address;
  /** The binding mark by default if there is an intent, otherwise 0. */
  readonly validAfter?: bigint;
  readonly validBefore?: bigint;
  readonly nonce?: Hex;
  /** The payment's intent. Its digest is the default nonce. */
  readonly intent?: AgentIntent;
  readonly maxTimeoutSeconds?: number;
};

/** An x402 v2 payload of $0.02, signed with viem. `terms` override it. */
export const paymentOf = async (terms: Terms = {}) => {
  const { who = 'agent', value = 20_000n, intent } = terms;
  const token = tokenOf(NETWORK);
  if (token === undefined) throw new Error('no token');
  const authorization = {
    from: addressOf(who),
    to: terms.to ?? PAY_TO,
    value,
    validAfter: terms.validAfter ?? (intent === undefined ? 0n : BOUND_VALID_AFTER),
    validBefore: terms.validBefore ?? BigInt(NOW + 300),
    nonce: terms.nonce ?? (intent === undefined ? randomWord() : intentDigest(intent, CHAIN_ID)),
  };
  const signature = await keys[who].signTypedData({
    domain: {
      name: token.name,
      version: token.version,
      chainId: CHAIN_ID,
      verifyingContract: token.address,
    },
    types: transfer,
    primaryType: 'TransferWithAuthorization',
    message: authorization,
  });
  return {
    x402Version: 2,
    accepted: {
      scheme: 'exact',
      network: NETWORK,
      amount: value.toString(),
      asset: token.address,
      payTo: terms.to ?? PAY_TO,
      maxTimeoutSeconds: terms.maxTimeoutSeconds ?? 3_600,
      extra: { name: token.name, version: token.version },
    },
    payload: {
      signature,
      authorization: {
        ...authorization,
        value: value.toString(),
        validAfter: authorization.validAfter.toString(),
        validBefore: authorization.validBefore.toString(),
      },
    },
    ...(intent === undefined
      ? {}
      : { extensions: { 'agent-intent': { info: { intent: intentFields(intent) } } } }),
  };
};

export const paymentHeader = (payload: unknown) => ({
  'PAYMENT-SIGNATURE': encodeBase64(utf8(JSON.stringify(payload))),
});

/** The same authorization in x402 v1's form, which cannot carry an intent. */
export const oldPaymentHeader = ({ payload }: Awaited<ReturnType<typeof paymentOf>>) => ({
  'X-PAYMENT': btoa(
    JSON.stringify({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload }),
  ),
});
