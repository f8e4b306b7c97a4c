import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { Address, Hex } from '../../src/core/hex.ts';
import { bytesOf, encodeBase64, hexOf, sha256Hex, utf8 } from '../../src/crypto/bytes.ts';
import { transferWithAuthorizationDigest } from '../../src/protocol/x402/authorization.ts';
import {
  type AgentIntent,
  intentDigest,
  intentFields,
} from '../../src/protocol/intent/agent-intent.ts';
import { BOUND_VALID_AFTER } from '../../src/protocol/intent/binding.ts';
import type { SignedTransfer } from '../../test/bench/peers/verification.ts';
import { CHAIN_ID, usdc } from '../stack/chain-access.ts';
import { person } from '../stack/people.ts';

/** An agent of the bench. */
export type BenchAgent = { readonly address: Address; readonly key: Uint8Array };

/** The offer in the 402 of a subject. */
export type Offer = {
  readonly accepts: readonly [Requirement, ...Requirement[]];
  readonly resource?: unknown;
  readonly extensions?: Readonly<Record<string, { readonly info?: object }>>;
};

export type Requirement = {
  readonly scheme: string;
  readonly network: string;
  readonly amount: string;
  readonly asset: Address;
  readonly payTo: Address;
  readonly maxTimeoutSeconds: number;
  readonly extra?: Readonly<Record<string, unknown>>;
};

export const PRICE = 1_000n;
const NO_BODY = sha256Hex(new Uint8Array(0));
const ZERO: Hex = `0x${'00'.repeat(32)}`;

/** Derives agents. */
export const agents = (count: number): readonly BenchAgent[] =>
  Array.from({ length: count }, (_, number) => {
    const { address, privateKey } = person(`bench agent ${number}`);
    return { address: address.toLowerCase() as Address, key: bytesOf(privateKey) };
  });

export const randomHex = (bytes: number): Hex =>
  hexOf(crypto.getRandomValues(new Uint8Array(bytes)));

/** Signs a digest: 65 bytes, v 27 or 28. */
export const signDigest = (digest: Hex, key: Uint8Array): Hex => {
  const bytes = secp256k1.sign(bytesOf(digest), key, { prehash: false, format: 'recovered' });
  const v = 27 + (bytes[0] ?? 0);
  return `${hexOf(bytes.subarray(1))}${v.toString(16)}` as Hex;
};

const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

/** Signs a transfer; the nonce is random unless one is given. */
export const signTransfer = (
  { address, key }: BenchAgent,
  to: Address,
  nonce: Hex = randomHex(32),
  value: bigint = PRICE,
  validAfter = 0n,
  validBefore: bigint = BigInt(nowSeconds() + 3_600),
): SignedTransfer => {
  const authorization = { from: address, to, value, validAfter, validBefore, nonce };
  const signature = signDigest(transferWithAuthorizationDigest(usdc, authorization), key);
  return {
    from: address,
    to,
    value: value.toString(),
    validAfter: validAfter.toString(),
    validBefore: validBefore.toString(),
    nonce,
    signature,
  };
};

/** Reads the nonce of a payment's authorization. */
export const nonceOf = (payment: string): Hex => {
  const text = Buffer.from(payment, 'base64').toString();
  const { payload } = JSON.parse(text) as { payload: { authorization: { nonce: Hex } } };
  return payload.authorization.nonce;
};

/** Encodes a value as JSON in base64. */
export const base64Json = (value: unknown): string => encodeBase64(utf8(JSON.stringify(value)));

/** Returns the x402 payload of a signed transfer. */
export const payloadOf = ({ signature, ...authorization }: SignedTransfer) => ({
  signature,
  authorization,
});

/** Builds a payment of x402 version 2, as any client does. */
export const vanillaPayment = (agent: BenchAgent, offer: Offer): string => {
  const [accepted] = offer.accepts;
  const { payTo, amount, maxTimeoutSeconds } = accepted;
  const validBefore = BigInt(nowSeconds() + maxTimeoutSeconds);
  const transfer = signTransfer(agent, payTo, randomHex(32), BigInt(amount), 0n, validBefore);
  return base64Json({
    x402Version: 2,
    resource: offer.resource,
    accepted,
    payload: payloadOf(transfer),
  });
};

/** Builds a payment that is bound to its request: its nonce is the digest of the intent, its `validAfter` the binding mark. */
export const boundPayment = (
  agent: BenchAgent,
  offer: Offer,
  request: Pick<AgentIntent, 'audience' | 'tool' | 'target'>,
): string => {
  const [accepted] = offer.accepts;
  const now = BigInt(nowSeconds());
  const intent: AgentIntent = {
    ...request,
    agent: agent.address,
    method: 'GET',
    contentType: '',
    payloadDigest: NO_BODY,
    payTo: accepted.payTo.toLowerCase() as Address,
    asset: usdc.address,
    maxAmount: PRICE,
    validAfter: now - 60n,
    validBefore: now + 230n,
    nonce: randomHex(32),
    authority: ZERO,
  };
  const offered = offer.extensions?.['agent-intent'];
  const digest = intentDigest(intent, CHAIN_ID);
  const transfer = signTransfer(agent, intent.payTo, digest, PRICE, BOUND_VALID_AFTER);
  return base64Json({
    x402Version: 2,
    resource: offer.resource,
    accepted,
    payload: payloadOf(transfer),
    extensions: {
      'agent-intent': { ...offered, info: { ...offered?.info, intent: intentFields(intent) } },
    },
  });
};
