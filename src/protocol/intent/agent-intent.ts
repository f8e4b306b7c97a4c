import * as z from 'zod/mini';
import type { Address, Hex } from '../../core/hex.ts';
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
import { address, bytes32, printable, uint256, uint64 } from '../wire-fields.ts';
import { domainWord } from './domain.ts';

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
