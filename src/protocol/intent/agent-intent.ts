import * as z from 'zod/mini';
import type { Seconds } from '../../core/clock.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { encodeBase64Url, utf8 } from '../../crypto/bytes.ts';
import {
  addressWord,
  bytes32Word,
  nameWord,
  stringWord,
  structHash,
  typedDataDigest,
  uintWord,
  type Word,
} from '../../crypto/typed-data.ts';
import { schemaFault, type WireFault } from '../fault.ts';
import { type JsonHeader, readJsonHeader } from '../strict-json.ts';
import { address, bytes32, printable, signature, uint256, uint64 } from '../wire-fields.ts';
import { chainId, domainWord } from './domain.ts';

/**
 * An intent: the agent authorizes one request and caps its price (docs/wire-format.md §2). Addresses and hex are lower case, amounts
 * atomic units, times Unix seconds. Unused fields are zero or empty.
 */
export type AgentIntent = {
  readonly agent: Address;
  /** Origin of the gateway, e.g. `https://gw.example`. */
  readonly audience: string;
  readonly tool: string;
  /** HTTP method, or `tools/call` for MCP. */
  readonly method: string;
  /** `pathname + search` of the WHATWG URL. */
  readonly target: string;
  readonly contentType: string;
  /** SHA-256 of the body bytes; for MCP, of JCS `{"arguments":…,"name":…}`. */
  readonly payloadDigest: Hex;
  readonly payTo: Address;
  readonly asset: Address;
  /** The most that the call may cost. */
  readonly maxAmount: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** Commitment to the client's retry secret (`commitmentOf`). */
  readonly nonce: Hex;
  /** Digest of the grant that the agent calls under, or zero. */
  readonly authority: Hex;
};

/** The wire form: exactly these keys, integers as decimal strings. */
export const agentIntentSchema = z.strictObject(
  {
    agent: address,
    audience: printable(256),
    tool: printable(64),
    method: printable(32),
    target: printable(4096),
    contentType: printable(256),
    payloadDigest: bytes32,
    payTo: address,
    asset: address,
    maxAmount: uint256,
    validAfter: uint64,
    validBefore: uint64,
    nonce: bytes32,
    authority: bytes32,
  },
  'must be an object with the fields of AgentIntent',
);

/** Writes the wire form of an intent. Log entries store it as evidence. */
export const intentFields = (intent: AgentIntent): Record<keyof AgentIntent, string> => ({
  ...intent,
  maxAmount: intent.maxAmount.toString(),
  validAfter: intent.validAfter.toString(),
  validBefore: intent.validBefore.toString(),
});

/** The EIP-712 type that the agent signs, as `encodeType` writes it. */
export const AGENT_INTENT_TYPE =
  'AgentIntent(address agent,string audience,string tool,string method,string target,string contentType,' +
  'bytes32 payloadDigest,address payTo,address asset,uint256 maxAmount,uint64 validAfter,uint64 validBefore,' +
  'bytes32 nonce,bytes32 authority)';
/** Keccak-256 of the type, precomputed: an isolate would hash it before its first request. Tests compare every digest with viem's. */
const AGENT_INTENT_HASH: Word = '67d8ecb060e302e4fa545d5f5d23b672eaa1438d38126972f9f734e0f5af507b';

/** The EIP-712 digest of an intent. A bound payment carries it as its EIP-3009 nonce (docs/wire-format.md §6). */
export const intentDigest = (intent: AgentIntent, chainId: number): Hex =>
  typedDataDigest(
    domainWord(chainId),
    structHash(
      AGENT_INTENT_HASH,
      addressWord(intent.agent),
      nameWord(intent.audience),
      nameWord(intent.tool),
      nameWord(intent.method),
      stringWord(intent.target),
      nameWord(intent.contentType),
      bytes32Word(intent.payloadDigest),
      addressWord(intent.payTo),
      addressWord(intent.asset),
      uintWord(intent.maxAmount),
      uintWord(intent.validAfter),
      uintWord(intent.validBefore),
      bytes32Word(intent.nonce),
      bytes32Word(intent.authority),
    ),
  );

/** An intent with its signature and chain, as the header `Agent-Intent` carries them. */
export type SignedIntent = {
  readonly chainId: number;
  readonly intent: AgentIntent;
  readonly signature: Hex;
};

export const AGENT_INTENT_HEADER = 'Agent-Intent';
/** The longest header that the gateway accepts, in characters. */
export const MAX_AGENT_INTENT = 8192;
const HEADER: JsonHeader = {
  name: AGENT_INTENT_HEADER,
  limit: MAX_AGENT_INTENT,
  encoding: 'base64url',
};

const schema = z.strictObject(
  {
    v: z.literal(1, 'must be 1'),
    chainId,
    intent: agentIntentSchema,
    signature,
  },
  'must be an object {v, chainId, intent, signature}',
);

/**
 * Reads the header `Agent-Intent`: base64url, without padding, of JSON `{v:1, chainId, intent, signature}`, at most 8 KiB,
 * sent once (docs/wire-format.md §8). Checks the form only: not the signature, the validity window or the request.
 */
export const parseAgentIntent = (header: string): Result<SignedIntent, WireFault> => {
  const json = readJsonHeader(HEADER, header);
  if (!json.ok) return json;
  const parsed = schema.safeParse(json.value);
  if (!parsed.success) {
    return err(schemaFault(AGENT_INTENT_HEADER, parsed.error.issues, { v: 'unsupported_version' }));
  }
  const { chainId: on, intent, signature: signed } = parsed.data;
  return ok({ chainId: on, intent, signature: signed });
};

/** Writes the header `Agent-Intent`. */
export const encodeAgentIntent = (signed: SignedIntent): string =>
  encodeBase64Url(
    utf8(
      JSON.stringify({
        v: 1,
        chainId: String(signed.chainId),
        intent: intentFields(signed.intent),
        signature: signed.signature,
      }),
    ),
  );

/** The longest validity of an intent. */
export const MAX_INTENT_WINDOW: Seconds = 300;
/** Tolerance for the clock of an agent that signs an unpaid intent. */
export const UNPAID_SKEW: Seconds = 30;

/** Why an intent may not execute now. An `expired` intent may still look up the outcome of its call. */
type WindowFault = {
  readonly reason: 'empty_window' | 'window_too_long' | 'not_yet_valid' | 'expired';
  readonly field: 'validAfter' | 'validBefore';
  readonly expected: string;
  readonly got: string;
};

/**
 * Checks the validity window of an intent: at most 300 s long, and `validAfter - skew <= now < validBefore + skew`.
 *
 * @param skew tolerance in seconds; zero for a paid intent, because the chain grants its payment none
 */
export const checkIntentWindow = (
  intent: AgentIntent,
  now: Seconds,
  skew: Seconds = UNPAID_SKEW,
): Result<AgentIntent, WindowFault> => {
  const leeway = BigInt(skew);
  const { validAfter, validBefore } = intent;
  const fault = (
    reason: WindowFault['reason'],
    field: WindowFault['field'],
    expected: string,
  ): Result<AgentIntent, WindowFault> =>
    err({ reason, field, expected, got: intent[field].toString() });

  if (validBefore <= validAfter) return fault('empty_window', 'validBefore', `> ${validAfter}`);
  const latest = validAfter + BigInt(MAX_INTENT_WINDOW);
  if (validBefore > latest) return fault('window_too_long', 'validBefore', `<= ${latest}`);
  const at = BigInt(now);
  if (at < validAfter - leeway) return fault('not_yet_valid', 'validAfter', `<= ${at + leeway}`);
  if (at >= validBefore + leeway) return fault('expired', 'validBefore', `> ${at - leeway}`);
  return ok(intent);
};
