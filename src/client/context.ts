import { createBoundedMap } from '../core/bounded-map.ts';
import type { Hex } from '../core/hex.ts';
import type { Network } from '../protocol/account-id.ts';
import type { Budget, KnownCredit } from './budget.ts';
import { CountersignError } from './errors.ts';
import type { Sender } from './exchange.ts';
import type { OfferSettings } from './offer-choice.ts';
import type { Outgoing } from './outgoing.ts';
import type { ReceiptKeys } from './receipt-keys.ts';
import type { ReceivedOffer } from './received-offer.ts';
import type { Signer } from './signer.ts';

/** The caps of calls that a card pays, in millionths of a dollar. */
export type CardRules = { readonly perCall: bigint; readonly budget: Budget };

/** The state that all calls of one agent share. */
export type AgentContext = Sender & {
  readonly signer: Signer;
  /** Digest of the grant that calls are made under; zero lets the gateway choose. */
  readonly authority: Hex;
  readonly rules: OfferSettings;
  /** By called origin: the audience that the agent may sign for there, besides that origin itself. */
  readonly audiences: ReadonlyMap<string, string>;
  readonly budget: Budget;
  /** `spend.card`. Absent: the agent calls no card tool. */
  readonly card: CardRules | undefined;
  readonly credit: KnownCredit;
  readonly memory: Memory;
  readonly keys: ReceiptKeys;
  /** What the agent does with a call that a person must approve. */
  readonly approval: 'wait' | 'return';
};

/**
 * Rejects an audience that is neither the called origin nor the one that the caller's `audiences` name for it: a malicious server could
 * use a signature for another gateway there (CWE-441).
 *
 * @throws CountersignError `audience_mismatch`
 */
export const requireAudience = (
  { audiences }: Pick<AgentContext, 'audiences'>,
  origin: string,
  audience: string,
  response: Response,
): void => {
  if (audience === origin || audience === audiences.get(origin)) return;
  throw new CountersignError(
    'audience_mismatch',
    `${origin} requests a signature for ${JSON.stringify(audience)}.`,
    { response },
  );
};

/** The memory of an agent about earlier calls. Offers and call ids only save round trips. */
type Memory = {
  /** Whether this origin has ever offered binding to this agent. */
  hasOfferedBinding(origin: string): boolean;
  /** Never evicted: an attacker who could evict an origin could downgrade it to unbound payments (CWE-757). */
  keepBindingOffered(origin: string): void;
  /** The last bound offer for this method, URL and tool. */
  offerOf(outgoing: Outgoing): ReceivedOffer | undefined;
  keepOffer(outgoing: Outgoing, offer: ReceivedOffer): void;
  forgetOffer(outgoing: Outgoing): void;
  /** The network of the account that made a call. */
  networkOf(call: Hex): Network | undefined;
  keepCall(call: Hex, network: Network): void;
};

const MAX_OFFERS = 256;
const MAX_CALLS = 256;

export const createMemory = (): Memory => {
  const offers = createBoundedMap<string, ReceivedOffer>(MAX_OFFERS);
  const calls = createBoundedMap<Hex, Network>(MAX_CALLS);
  const binding = new Set<string>();
  const keyOf = ({ method, url, resource = '' }: Outgoing): string =>
    `${method} ${url} ${resource}`;
  return {
    hasOfferedBinding: (origin) => binding.has(origin),
    keepBindingOffered: (origin) => {
      binding.add(origin);
    },
    offerOf: (outgoing) => offers.get(keyOf(outgoing)),
    keepOffer: (outgoing, offer) => offers.set(keyOf(outgoing), offer),
    forgetOffer: (outgoing) => offers.delete(keyOf(outgoing)),
    networkOf: (call) => calls.get(call),
    keepCall: (call, network) => calls.set(call, network),
  };
};
