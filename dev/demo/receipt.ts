import { createHash } from 'node:crypto';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { Hex } from 'viem';
import { requestDigest } from '../../src/protocol/intent/binding.ts';
import type { StackDescription } from '../stack/stack-file.ts';
import { type Answer, contentTypeOf, type ToolRequest } from './exchange.ts';

/** What the payer knows without the receipt. */
export type Expected = {
  /** CAIP-10. */
  readonly agent: string;
  readonly request: ToolRequest;
  readonly call: Hex;
  /** How strongly the signature was tied to the request. */
  readonly binding: 'none' | 'intent';
  readonly charged: bigint;
  /** Unix seconds before the request was sent. */
  readonly notBefore: number;
};

export type ReceiptCheck =
  | {
      readonly valid: true;
      /** Claims that were compared with what the agent knew. */
      readonly compared: readonly string[];
      /** Hashes of the audit entry and of the policy of the decision, both to be found in the log. */
      readonly entry: string;
      readonly policy: string;
    }
  | { readonly valid: false; readonly why: string };

const HASH = /^0x[0-9a-f]{64}$/;

/** Timestamps are whole seconds. */
const TOLERANCE_SECONDS = 2;

const sha256 = (bytes: Uint8Array): Hex => `0x${createHash('sha256').update(bytes).digest('hex')}`;

/** Computes every claim of a receipt except those that only the log can confirm. */
const claimsFor = async (stack: StackDescription, expected: Expected, answer: Answer) => {
  const { request, agent, call, binding, charged } = expected;
  const { pathname, search } = new URL(request.url);
  return {
    iss: stack.audience,
    agent,
    tool: request.tool,
    call,
    request: await requestDigest({
      audience: stack.audience,
      tool: request.tool,
      method: request.method,
      target: pathname + search,
      contentType: contentTypeOf(request),
      payloadDigest: sha256(new TextEncoder().encode(request.body ?? '')),
    }),
    binding,
    charged: charged.toString(),
    asset: `eip155:${stack.chainId}/erc20:${stack.usdc.toLowerCase()}`,
    status: answer.status,
    response: sha256(answer.bytes),
  };
};

/** Verifies `Agent-Receipt` with the published keys of the gateway, and compares every claim with what the payer knows. */
export const verifyReceipt = async (
  stack: StackDescription,
  expected: Expected,
  answer: Answer,
): Promise<ReceiptCheck> => {
  const header = answer.headers.get('agent-receipt');
  if (header === null) return { valid: false, why: 'no Agent-Receipt' };
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', stack.gateway));
  try {
    const { payload } = await jwtVerify(header, keys, {
      typ: 'agent-receipt+jwt',
      algorithms: ['EdDSA'],
      requiredClaims: ['iss', 'iat'],
    });
    const { entry, policy, iat = 0, ...rest } = payload;
    const claims = await claimsFor(stack, expected, answer);
    const names = [...new Set([...Object.keys(claims), ...Object.keys(rest)])];
    const wrong = names.filter((name) => claims[name as keyof typeof claims] !== rest[name]);
    const now = Date.now() / 1000;
    if (iat < expected.notBefore - TOLERANCE_SECONDS || iat > now + TOLERANCE_SECONDS)
      wrong.push('iat');
    if (typeof entry !== 'string' || !HASH.test(entry)) wrong.push('entry');
    if (typeof policy !== 'string' || !HASH.test(policy)) wrong.push('policy');
    if (wrong.length > 0) return { valid: false, why: `wrong claims: ${wrong.join(', ')}` };
    return {
      valid: true,
      compared: [...names, 'iat'],
      entry: String(entry),
      policy: String(policy),
    };
  } catch (error) {
    if (error instanceof errors.JOSEError) return { valid: false, why: error.message };
    throw error;
  }
};
