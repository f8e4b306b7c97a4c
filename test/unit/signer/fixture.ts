import { type Address, type Hex, ZERO_ADDRESS, ZERO_HASH } from '../../../src/core/hex.ts';
import type { AssetId } from '../../../src/protocol/account-id.ts';
import {
  AGENT_INTENT_TYPE,
  type AgentIntent,
  intentDigest,
  intentFields,
} from '../../../src/protocol/intent/agent-intent.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import type { Authorization } from '../../../src/protocol/payment.ts';
import type { SignerPolicy } from '../../../src/protocol/signer/policy.ts';
import { NO_SPENDING } from '../../../src/signer/spending.ts';
import type { Subject } from '../../../src/signer/judge.ts';

export const NOW = 1_795_737_600;
export const CHAIN = 84532;
export const USDC: Address = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
export const AGENT: Address = '0x1111111111111111111111111111111111111111';
export const PAYEE: Address = '0x2222222222222222222222222222222222222222';
export const STRANGER: Address = '0x3333333333333333333333333333333333333333';

export const policy: SignerPolicy = {
  status: 'active',
  audiences: ['https://gateway.example'],
  tools: ['search', 'pay.*'],
  payees: [PAYEE],
  assets: [`eip155:${CHAIN}/erc20:${USDC}` as AssetId],
  perSignature: 1_000_000n,
  windows: [{ every: 'hour', limit: 2_500_000n }],
};

export const subject: Subject = {
  address: AGENT,
  chainId: CHAIN,
  policy,
  spending: NO_SPENDING,
  slot: undefined,
};

export const intent: AgentIntent = {
  agent: AGENT,
  audience: 'https://gateway.example',
  tool: 'search',
  method: 'GET',
  target: '/search?q=1',
  contentType: '',
  payloadDigest: ZERO_HASH,
  payTo: PAYEE,
  asset: USDC,
  maxAmount: 1_000_000n,
  validAfter: BigInt(NOW - 60),
  validBefore: BigInt(NOW + 180),
  nonce: `0x${'5a'.repeat(32)}`,
  authority: ZERO_HASH,
};

/** An intent that moves no money. */
export const freeIntent: AgentIntent = {
  ...intent,
  payTo: ZERO_ADDRESS,
  asset: ZERO_ADDRESS,
  maxAmount: 0n,
};

/** The payment of an intent, as a client would sign it. */
export const paymentOf = (of: AgentIntent, chainId = CHAIN): Authorization => ({
  from: of.agent,
  to: of.payTo,
  value: of.maxAmount,
  validAfter: BOUND_VALID_AFTER,
  validBefore: BigInt(NOW + 600),
  nonce: intentDigest(of, chainId),
});

const fieldsOf = (type: string) =>
  type
    .slice(type.indexOf('(') + 1, -1)
    .split(',')
    .map((member) => {
      const [of = '', name = ''] = member.split(' ');
      return { name, type: of };
    });

const DOMAIN = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
];
export const TRANSFER_FIELDS = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
];

/** Typed data in its JSON form. */
export const intentData = (of: AgentIntent, chainId = CHAIN) => ({
  domain: { name: 'Countersign', version: '1', chainId },
  types: { EIP712Domain: DOMAIN, AgentIntent: fieldsOf(AGENT_INTENT_TYPE) },
  primaryType: 'AgentIntent',
  message: intentFields(of),
});

export const paymentData = (of: Authorization, chainId = CHAIN) => ({
  domain: { name: 'USDC', version: '2', chainId, verifyingContract: USDC },
  types: {
    EIP712Domain: [...DOMAIN, { name: 'verifyingContract', type: 'address' }],
    TransferWithAuthorization: TRANSFER_FIELDS,
  },
  primaryType: 'TransferWithAuthorization',
  message: {
    from: of.from,
    to: of.to,
    value: of.value.toString(),
    validAfter: of.validAfter.toString(),
    validBefore: of.validBefore.toString(),
    nonce: of.nonce,
  },
});

/** The parameters of `eth_signTypedData_v4`. */
export const intentParams = (of: AgentIntent): readonly unknown[] => [of.agent, intentData(of)];
export const paymentParams = (
  of: AgentIntent,
  more: Partial<Authorization> = {},
): readonly unknown[] => [
  of.agent,
  paymentData({ ...paymentOf(of), ...more }),
  { intent: intentFields(of) },
];

export const FACILITATOR: Address = '0x4444444444444444444444444444444444444444';
const PERMIT2: Address = '0x000000000022d473030f116ddee9f6b43ac78ba3';
const UPTO_PROXY: Address = '0x4020a4f3b7b90cca423b9fabcc0ce57c6c240002';

/** The Permit2 permit of an intent in its JSON form, as a client would sign it. */
export const permitData = (of: AgentIntent, chainId = CHAIN) => ({
  domain: { name: 'Permit2', chainId, verifyingContract: PERMIT2 },
  types: {
    EIP712Domain: [
      { name: 'name', type: 'string' },
      { name: 'chainId', type: 'uint256' },
      { name: 'verifyingContract', type: 'address' },
    ],
    PermitWitnessTransferFrom: [
      { name: 'permitted', type: 'TokenPermissions' },
      { name: 'spender', type: 'address' },
      { name: 'nonce', type: 'uint256' },
      { name: 'deadline', type: 'uint256' },
      { name: 'witness', type: 'Witness' },
    ],
    TokenPermissions: fieldsOf('TokenPermissions(address token,uint256 amount)'),
    Witness: fieldsOf('Witness(address to,address facilitator,uint256 validAfter)'),
  },
  primaryType: 'PermitWitnessTransferFrom',
  message: {
    permitted: { token: USDC, amount: of.maxAmount.toString() },
    spender: UPTO_PROXY,
    nonce: BigInt(intentDigest(of, chainId)).toString(),
    deadline: (of.validBefore + 300n).toString(),
    witness: {
      to: of.payTo,
      facilitator: FACILITATOR,
      validAfter: BOUND_VALID_AFTER.toString(),
    },
  },
});

/** The EIP-2612 approval of Permit2 for the permit of an intent. */
export const approvalData = (of: AgentIntent) => ({
  domain: { name: 'USDC', version: '2', chainId: CHAIN, verifyingContract: USDC },
  types: {
    EIP712Domain: [...DOMAIN, { name: 'verifyingContract', type: 'address' }],
    Permit: fieldsOf(
      'Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)',
    ),
  },
  primaryType: 'Permit',
  message: {
    owner: of.agent,
    spender: PERMIT2,
    value: of.maxAmount.toString(),
    nonce: '0',
    deadline: (of.validBefore + 300n).toString(),
  },
});

/** The parameters of `eth_signTypedData_v4` for typed data with an intent. */
export const withIntent = (of: AgentIntent, data: unknown): readonly unknown[] => [
  of.agent,
  data,
  { intent: intentFields(of) },
];

export const bytes32 = (byte: string): Hex => `0x${byte.repeat(32)}`;
