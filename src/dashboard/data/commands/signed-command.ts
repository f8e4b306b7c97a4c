import * as z from 'zod/mini';
import type { Seconds } from '../../../core/clock.ts';
import type { Hex } from '../../../core/hex.ts';
import { bodyDigest, utf8 } from '../../../crypto/bytes.ts';
import { type AccountId, accountId, network } from '../../../protocol/account-id.ts';
import { delegationDigest } from '../../../protocol/intent/agent-delegation.ts';
import {
  intentDigest,
  parseAgentIntent,
  UNPAID_SKEW,
} from '../../../protocol/intent/agent-intent.ts';
import { readDelegation, readRevocation } from '../../../protocol/intent/signed-document.ts';
import type { TypedData } from '../../../client/signer.ts';

const MAX_TEXT = 8192;
const MAX_BODY = 1024 * 1024;

const text = z.string().check(z.maxLength(MAX_TEXT));

/** A request that a wallet signed, exactly as it is sent. PUT occurs only for grants. */
const schema = z.strictObject({
  v: z.literal(1),
  /** Origin of the gateway. */
  gateway: text,
  method: z.enum(['PUT', 'POST']),
  target: text.check(z.regex(/^\/[\x21-\x7e]*$/)),
  headers: z.strictObject({
    'agent-intent': z.optional(text),
    'content-type': z.optional(text),
  }),
  body: z.string().check(z.maxLength(MAX_BODY)),
  /** When the browser sent it first, Unix seconds. */
  sentAt: z.int().check(z.nonnegative()),
});

/** The stored part of a command: the proof, and nothing that follows from the proof. */
export type StoredCommand = z.infer<typeof schema>;

/** A stored command whose proof is for exactly this request, by one wallet, for one gateway. */
export type SignedCommand = StoredCommand & {
  readonly account: AccountId;
  /** Digest of the signed data. */
  readonly id: Hex;
  /** The tool of its intent; undefined for a document that authorizes itself. */
  readonly tool: string | undefined;
  /** Unix seconds from which the gateway rejects it; undefined if it never expires. */
  readonly until: Seconds | undefined;
};

type Proof = Omit<SignedCommand, keyof StoredCommand> & { readonly audience: string | undefined };

/**
 * The proof of a POST.
 *
 * Race: a PUT or DELETE that never arrived would, if it were sent again later, undo a newer one, of this browser or another. A person signs it
 * again instead, which has the effect of one (RFC 9110 §9.2.2). Bodies of PUTs also hold secrets, which no disk of a browser may keep (law 9).
 */
const intentOf = async (stored: StoredCommand, header: string): Promise<Proof | undefined> => {
  const parsed = parseAgentIntent(header);
  if (!parsed.ok) return undefined;
  const { intent, chainId } = parsed.value;
  const isOfRequest =
    intent.method === 'POST' &&
    intent.method === stored.method &&
    intent.target === stored.target &&
    intent.contentType === (stored.headers['content-type'] ?? '') &&
    intent.payloadDigest === (await bodyDigest(utf8(stored.body)));
  if (!isOfRequest) return undefined;
  return {
    account: accountId(network(chainId), intent.agent),
    audience: intent.audience,
    id: intentDigest(intent, chainId),
    tool: intent.tool,
    until: Number(intent.validBefore) + UNPAID_SKEW,
  };
};

const documentOf = async (stored: StoredCommand): Promise<Proof | undefined> => {
  const body = utf8(stored.body);
  switch (`${stored.method} ${stored.target}`) {
    case 'PUT /delegations': {
      const read = readDelegation(body);
      if (!read.ok) return undefined;
      const { chainId, delegation } = read.value;
      return {
        account: accountId(network(chainId), delegation.issuer),
        audience: delegation.audience,
        id: delegationDigest(delegation, chainId),
        tool: undefined,
        until: Number(delegation.validUntil),
      };
    }
    case 'POST /revocations': {
      const read = readRevocation(body);
      if (!read.ok) return undefined;
      const { chainId, revocation } = read.value;
      return {
        account: accountId(network(chainId), revocation.issuer),
        // A revocation counts at every gateway that knows the grant.
        audience: undefined,
        id: await bodyDigest(body),
        tool: undefined,
        until: undefined,
      };
    }
    default:
      return undefined;
  }
};

/**
 * Reads a stored command; undefined unless it is complete, and its proof is of this wallet, for this gateway and for exactly this request.
 */
export const readCommand = async (
  value: unknown,
  account: AccountId,
  gateway: string,
): Promise<SignedCommand | undefined> => {
  const parsed = schema.safeParse(value);
  if (!parsed.success || parsed.data.gateway !== gateway) return undefined;
  const header = parsed.data.headers['agent-intent'];
  const proof = await (header === undefined
    ? documentOf(parsed.data)
    : intentOf(parsed.data, header));
  if (proof === undefined || proof.account !== account) return undefined;
  const { audience, ...of } = proof;
  return audience === undefined || audience === gateway ? { ...parsed.data, ...of } : undefined;
};

/**
 * The slot of a command names the effect that a second signature would repeat: the same POST, or another grant for the same agent. Each
 * revocation has a slot of its own, because two of them have the effect of one.
 */
export const slotOf = ({ method, target, body, tool, id }: SignedCommand): string => {
  if (tool !== undefined) return `${method} ${target}`;
  const read = target === '/delegations' ? readDelegation(utf8(body)) : undefined;
  return read?.ok === true ? grantSlot(read.value.delegation.delegate) : `revocation ${id}`;
};

/** The slot of the data that a wallet is about to sign; undefined for data that the page never stores. */
export const slotOfSigning = ({ primaryType, message }: TypedData): string | undefined => {
  if (primaryType === 'AgentDelegation') return grantSlot(message['delegate'] as string);
  return primaryType === 'AgentIntent'
    ? `${message['method'] as string} ${message['target'] as string}`
    : undefined;
};

const grantSlot = (delegate: string): string => `grant ${delegate.toLowerCase()}`;
