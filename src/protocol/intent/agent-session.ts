import * as z from 'zod/mini';
import type { Seconds } from '../../core/clock.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { encodeBase64Url, utf8 } from '../../crypto/bytes.ts';
import {
  addressWord,
  bytes32Word,
  nameWord,
  structHash,
  typedDataDigest,
  uintWord,
  type Word,
} from '../../crypto/typed-data.ts';
import { schemaFault, type WireFault } from '../fault.ts';
import { bytes32, party, printable, signature, storedUint } from '../wire-fields.ts';
import { chainId, domainWord } from './domain.ts';
import { readJsonHeader } from '../strict-json.ts';

/**
 * A session: a wallet authorises a browser's key to read for it (docs/wire-format.md §21). The key cannot change anything: every command
 * still needs a signature of the wallet.
 */
export type AgentSession = {
  /** The wallet. */
  readonly account: Address;
  /** A configured origin of the gateway. */
  readonly audience: string;
  readonly scope: 'read';
  /** Raw Ed25519 public key (RFC 8032), 32 bytes. */
  readonly key: Hex;
  /** Unix seconds, at most `MAX_SESSION` apart. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
};

/** A session with the wallet's signature, under the EIP-712 domain of a chain. */
export type SignedSession = {
  readonly chainId: number;
  readonly session: AgentSession;
  readonly signature: Hex;
};

/** The longest validity of a session: a working day. */
export const MAX_SESSION: Seconds = 8 * 3600;
/** Tolerance for the clock of the browser. */
const SKEW: Seconds = 30;

/** Carries the session of a request. It proves nothing without the signature of its key over this request. */
export const AGENT_SESSION_HEADER = 'Agent-Session';
const MAX_HEADER = 4096;

export const agentSessionSchema = z.strictObject(
  {
    account: party,
    audience: printable(256),
    scope: z.literal('read', 'must be "read"'),
    key: bytes32,
    validAfter: storedUint,
    validBefore: storedUint,
  },
  'must be an object with the fields of AgentSession',
);

const schema = z.strictObject(
  { v: z.literal(1, 'must be 1'), chainId, session: agentSessionSchema, signature },
  'must be an object {v, chainId, session, signature}',
);

/** Writes the wire form of a session. */
export const sessionFields = (session: AgentSession): Record<keyof AgentSession, string> => ({
  ...session,
  validAfter: session.validAfter.toString(),
  validBefore: session.validBefore.toString(),
});

/** Reads the header `Agent-Session`. Checks the form only: not the signature, the times or the request. */
export const parseAgentSession = (header: string): Result<SignedSession, WireFault> => {
  const json = readJsonHeader(
    { name: AGENT_SESSION_HEADER, limit: MAX_HEADER, encoding: 'base64url' },
    header,
  );
  if (!json.ok) return json;
  const parsed = schema.safeParse(json.value);
  if (!parsed.success) {
    return err(
      schemaFault(AGENT_SESSION_HEADER, parsed.error.issues, { v: 'unsupported_version' }),
    );
  }
  const { v: _, ...signed } = parsed.data;
  return ok(signed);
};

/** Writes the header `Agent-Session`. */
export const encodeAgentSession = ({ session, ...signed }: SignedSession): string =>
  encodeBase64Url(
    utf8(
      JSON.stringify({
        v: 1,
        chainId: String(signed.chainId),
        session: sessionFields(session),
        signature: signed.signature,
      }),
    ),
  );

/** Whether a session is in time: `validAfter - 30 s <= now < validBefore`, at most eight hours long. */
export const sessionWindow = (
  { validAfter, validBefore }: AgentSession,
  now: Seconds,
): 'valid' | 'too_long' | 'not_yet_valid' | 'expired' => {
  if (validBefore > validAfter + BigInt(MAX_SESSION)) return 'too_long';
  if (BigInt(now + SKEW) < validAfter) return 'not_yet_valid';
  return BigInt(now) < validBefore ? 'valid' : 'expired';
};

/** The EIP-712 type that the wallet signs, as `encodeType` writes it. */
export const AGENT_SESSION_TYPE =
  'AgentSession(address account,string audience,string scope,bytes32 key,uint64 validAfter,uint64 validBefore)';
/** Keccak-256 of the type. Tests compare every digest with viem's. */
const AGENT_SESSION_HASH: Word = '62f988d78a6debdb74fbd48c1d407222be1b15d07260e875f837da4cf47faff4';

/** The EIP-712 digest of a session. */
export const sessionDigest = (session: AgentSession, on: number): Hex =>
  typedDataDigest(
    domainWord(on),
    structHash(
      AGENT_SESSION_HASH,
      addressWord(session.account),
      nameWord(session.audience),
      nameWord(session.scope),
      bytes32Word(session.key),
      uintWord(session.validAfter),
      uintWord(session.validBefore),
    ),
  );
