import type { Seconds } from '../core/clock.ts';
import { type Address, type Hex, ZERO_ADDRESS, ZERO_HASH } from '../core/hex.ts';
import { assetId, type AssetId, chainIdOf, type Network } from '../protocol/account-id.ts';
import { fiatOf } from '../protocol/fiat-asset.ts';
import {
  AGENT_INTENT_HEADER,
  type AgentIntent,
  encodeAgentIntent,
  intentDigest,
} from '../protocol/intent/agent-intent.ts';
import { commitmentOf, newRetrySecret, type RetrySecret } from '../protocol/intent/retry-key.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { observedAs, type Outgoing } from './outgoing.ts';
import { addressOf, intentTypedData, sign, type Signer } from './signer.ts';

/** One signature in its header. Repeats send the same bytes; the client never signs a call twice (law 3). */
export type Proof = {
  readonly header: readonly [name: string, value: string];
  /**
   * The secret that the intent's nonce commits to; absent if the gateway stores no answer. Only repeats carry it. Hooks and errors
   * never contain it.
   */
  readonly secret?: RetrySecret;
  readonly pays: 'none' | 'payment' | 'credit' | 'card';
  /** The x402 version of a payment. */
  readonly version?: 1 | 2;
  readonly binding: 'none' | 'intent';
  /** Call id: the intent digest, or the nonce of a plain payment. */
  readonly call: Hex;
  readonly network: Network;
  readonly asset: AssetId;
  /** The most that the signature can cost, in atomic units. */
  readonly amount: bigint;
  /** When the proof expires: from then on it no longer executes a call. */
  readonly until: Seconds;
  /** The audience and tool in the intent; undefined for a plain payment. */
  readonly gateway: { readonly audience: string; readonly tool: string } | undefined;
};

/** The gateway that an intent is for, and the most that the gateway may charge. */
type IntentTerms = {
  readonly audience: string;
  readonly tool: string;
  readonly payTo: Address;
  readonly asset: Address;
  /** Atomic units. */
  readonly maxAmount: bigint;
  readonly validAfter: Seconds;
  readonly validBefore: Seconds;
  /** Digest of the grant that the call is made under. Absent if none is needed, e.g. for a look-up. */
  readonly authority?: Hex;
};

/** Signs the header `Agent-Intent` (docs/wire-format.md §8) for a free call, a call from credit or a call by card. */
export const signIntent = async (
  signer: Signer,
  outgoing: Outgoing,
  network: Network,
  terms: IntentTerms,
): Promise<Proof> => {
  const chainId = chainIdOf(network) ?? 0;
  const fiat = fiatOf(terms.asset);
  const { intent, secret } = createIntent(addressOf(signer), outgoing, terms);
  const signature = await sign(signer, intentTypedData(intent, chainId));
  return {
    header: [AGENT_INTENT_HEADER, encodeAgentIntent({ chainId, intent, signature })],
    secret,
    pays: terms.maxAmount === 0n ? 'none' : fiat === undefined ? 'credit' : 'card',
    binding: 'intent',
    call: intentDigest(intent, chainId),
    network,
    asset: fiat ?? assetId(network, tokenOf(network)?.address ?? ZERO_ADDRESS),
    amount: terms.maxAmount,
    until: terms.validBefore,
    gateway: { audience: terms.audience, tool: terms.tool },
  };
};

/** Signs an intent for a look-up or a command. The gateway stores no answer for those, so a repeat needs no secret. */
export const signQuestion = async (...of: Parameters<typeof signIntent>): Promise<Proof> => {
  const { secret: _, ...proof } = await signIntent(...of);
  return proof;
};

/** Seconds of the window that lie before now: a gateway's clock may be behind. */
const BEFORE = 60;
const WINDOW = 240;

/** A validity window of at most 240 s, a quarter of it in the past. @param longest the longest window that the gateway accepts */
export const windowAt = (
  now: Seconds,
  longest: Seconds = WINDOW,
): { readonly validAfter: Seconds; readonly validBefore: Seconds } => {
  const length = Math.min(WINDOW, longest);
  const validAfter = now - Math.floor((length * BEFORE) / WINDOW);
  return { validAfter, validBefore: validAfter + length };
};

/** An intent, and the secret that its nonce commits to. */
type NewIntent = { readonly intent: AgentIntent; readonly secret: RetrySecret };

/** Creates an intent for exactly the request that the client sends, whatever a server states about it. */
export const createIntent = (
  agent: Address,
  outgoing: Outgoing,
  { audience, tool, authority = ZERO_HASH, ...terms }: IntentTerms,
): NewIntent => {
  const secret = newRetrySecret();
  const intent = {
    ...observedAs(outgoing, audience, tool),
    ...terms,
    agent,
    validAfter: BigInt(terms.validAfter),
    validBefore: BigInt(terms.validBefore),
    nonce: commitmentOf(secret),
    authority,
  };
  return { intent, secret };
};
