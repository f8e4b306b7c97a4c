import { assetId, chainIdOf, type Network } from '../protocol/account-id.ts';
import { ZERO_ADDRESS, type Address, type Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import { hexOf } from '../crypto/bytes.ts';
import { ZERO_HASH } from '../core/hex.ts';
import { intentDigest, type AgentIntent } from '../protocol/intent/agent-intent.ts';
import { AGENT_INTENT_HEADER, encodeAgentIntent } from '../protocol/intent/signed-intent.ts';
import { commitmentOf, newRetrySecret, type RetrySecret } from '../protocol/intent/retry-key.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';
import { observedAs, type Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import { addressOf, sign, type Signer } from './signer.ts';
import { intentTypedData } from './typed-data.ts';

/** Whom an intent is for, and what it lets them take. */
export type IntentTerms = {
  readonly audience: string;
  readonly tool: string;
  readonly payTo: Address;
  readonly asset: Address;
  readonly maxAmount: bigint;
  readonly validAfter: Seconds;
  readonly validBefore: Seconds;
  /** The grant that the call stands on. Absent where none is needed, as in a look-up. */
  readonly authority?: Hex;
};

export const random32 = (): Hex => hexOf(crypto.getRandomValues(new Uint8Array(32)));

/** An intent, and the secret that its nonce commits to. */
export type DrawnIntent = { readonly intent: AgentIntent; readonly secret: RetrySecret };

/** Makes an intent for the request that goes out, never for what a server says of it. */
export const drawIntent = (
  agent: Address,
  outgoing: Outgoing,
  { audience, tool, authority = ZERO_HASH, ...terms }: IntentTerms,
): DrawnIntent => {
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

/** How much of an intent's window lies before now: a gateway's clock may be behind ours. */
const BEFORE = 60;
const WINDOW = 240;

/** A window of at most 240 s, a quarter of it in the past. `longest` is what the server takes. */
export const windowAt = (
  now: Seconds,
  longest: Seconds = WINDOW,
): { readonly validAfter: Seconds; readonly validBefore: Seconds } => {
  const length = Math.min(WINDOW, longest);
  const validAfter = now - Math.floor((length * BEFORE) / WINDOW);
  return { validAfter, validBefore: validAfter + length };
};

/** As `signIntent`, for a look-up or a command: the gateway keeps no answer of those, so a repeat shows no secret. */
export const signQuestion = async (...of: Parameters<typeof signIntent>): Promise<Proof> => {
  const { secret: _, ...proof } = await signIntent(...of);
  return proof;
};

/** Signs the header `Agent-Intent` (design §4.4): for a call that costs nothing, or one from credit. */
export const signIntent = async (
  signer: Signer,
  outgoing: Outgoing,
  network: Network,
  terms: IntentTerms,
): Promise<Proof> => {
  const chainId = chainIdOf(network) ?? 0;
  const { intent, secret } = drawIntent(addressOf(signer), outgoing, terms);
  const signature = await sign(signer, intentTypedData(intent, chainId));
  return {
    header: [AGENT_INTENT_HEADER, encodeAgentIntent({ chainId, intent, signature })],
    secret,
    pays: terms.maxAmount > 0n ? 'credit' : 'none',
    binding: 'intent',
    call: intentDigest(intent, chainId),
    network,
    asset: assetId(network, tokenOf(network)?.address ?? ZERO_ADDRESS),
    amount: terms.maxAmount,
    until: terms.validBefore,
    gateway: { audience: terms.audience, tool: terms.tool },
  };
};
