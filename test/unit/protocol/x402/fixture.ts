import type { Network } from '../../../../src/protocol/account-id.ts';
import { expect } from 'vitest';
import type { Address, Hex } from '../../../../src/core/hex.ts';
import type { Result } from '../../../../src/core/result.ts';
import { encodeBase64, utf8 } from '../../../../src/crypto/bytes.ts';
import type { WireFault } from '../../../../src/protocol/fault.ts';
import type { Authorization } from '../../../../src/protocol/payment.ts';
import { requirementOf, type Requirement } from '../../../../src/protocol/x402/requirement.ts';
import { tokenOf } from '../../../../src/protocol/x402/networks.ts';
import vectors from '../../../vectors/countersign-v1.json';

export const AGENT_KEY = vectors.keys.agent.privateKey as Hex;
export const AGENT = vectors.keys.agent.address.toLowerCase() as Address;
export const PAY_TO = vectors.paid.intent.payTo.toLowerCase() as Address;
export const BASE_SEPOLIA = 'eip155:84532';
export const NOW = vectors.clock;

/** The authorization and signature of the published paid vector, as the parsers return them. */
export const AUTHORIZATION: Authorization = {
  from: AGENT,
  to: PAY_TO,
  value: 20_000n,
  validAfter: BigInt(vectors.boundValidAfter),
  validBefore: 1_800_000_050n,
  nonce: vectors.paid.intentHash as Hex,
};
export const SIGNATURE = vectors.paid.payment.signature;

/** A price in USDC. */
export const requirement = (
  network: Network,
  amount: bigint,
  maxTimeoutSeconds: number,
): Requirement => {
  const token = tokenOf(network);
  if (token === undefined) throw new Error(`no token on ${network}`);
  return requirementOf(token, PAY_TO, amount, maxTimeoutSeconds);
};

/** The published paid vector as an x402 v2 payload. Each call returns new objects. */
export const payload2 = () => ({
  x402Version: 2,
  resource: {
    url: 'https://gw.example/tools/translate?formality=high',
    description: 'Translates',
    mimeType: 'application/json',
  },
  accepted: {
    scheme: 'exact',
    network: BASE_SEPOLIA,
    amount: '20000',
    asset: vectors.paid.intent.asset,
    payTo: vectors.paid.intent.payTo,
    maxTimeoutSeconds: 3600,
    extra: { name: 'USDC', version: '2' },
  },
  payload: {
    signature: vectors.paid.payment.signature,
    authorization: { ...vectors.paid.payment.authorization },
  },
  extensions: {
    'payment-identifier': { info: { required: false, id: 'pay_0123456789abcdef' } },
    'agent-intent': {
      info: {
        version: 1,
        audience: 'https://gw.example',
        tool: 'translate',
        binding: 'eip3009-nonce',
        intent: { ...vectors.paid.intent },
      },
    },
  },
});

/** The same payment as an x402 v1 payload. */
export const payload1 = () => ({
  x402Version: 1,
  scheme: 'exact',
  network: 'base-sepolia',
  payload: payload2().payload,
});

/** Encodes a value for a payment header. */
export const header = (value: unknown): string => encodeBase64(utf8(JSON.stringify(value)));

type Json = { [key: string]: unknown };

/** A copy of a JSON value with another value at a path. `undefined` removes it. */
export const changed = (value: unknown, path: readonly string[], to: unknown): unknown => {
  const [key, ...rest] = path;
  if (key === undefined) return to;
  const copy: Json = { ...(value as Json) };
  copy[key] = changed(copy[key], rest, to);
  return copy;
};

/** Every path to a leaf value. */
export const leaves = (value: unknown, path: readonly string[] = []): (readonly string[])[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, each]) => leaves(each, [...path, key]))
    : [path];

/** The fault of a rejected header. Fails the test if the parser accepted it. */
export const faultOf = (result: Result<unknown, WireFault>): WireFault => {
  if (result.ok) throw new Error('accepted');
  expect(result.error.hint).not.toBe('');
  return result.error;
};
