/**
 * Protects the gateway from replays of public signatures (CWE-294). A settled authorization is public on chain and verifies for ever, so
 * anyone can send copies of it. They must cost the Worker microseconds and their payer nothing. The account decides about each call; the
 * checks here only save work.
 */
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { accountId, type AccountId } from '../protocol/account-id.ts';
import type { ReserveVerdict } from '../protocol/account/call-verdict.ts';
import type { Call } from '../protocol/account/call.ts';
import { AGENT_INTENT_HEADER } from '../protocol/intent/agent-intent.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { paymentField } from '../protocol/x402/headers.ts';
import { signedField } from '../protocol/x402/signed-scheme.ts';
import type { CheckedProof } from './paid-request.ts';
import type { Proof } from './proof.ts';
import { clientOf, passesRateLimit, type RateLimit } from './rate-limit.ts';

/** How long an expired proof may still look up its call. Accounts keep most calls for less. */
const LOOK_UP_TIME: Seconds = 86_400;

/**
 * Once replays of an account pass the rate limit, the isolate rejects them unverified for this long: it verifies and counts one per second.
 */
const THROTTLE_TIME: Seconds = 1;

type Replays = { readonly replayCache: ReplayCache };

/** Rejects a proof that expired more than a day ago, before its body is read and its signature verified. */
export const ageFault = (proof: Proof, now: Seconds): Reason | undefined => {
  const { field, validBefore, call } = expiryOf(proof);
  const oldest = BigInt(now - LOOK_UP_TIME);
  return validBefore >= oldest
    ? undefined
    : {
        reason: 'proof_too_old',
        field,
        expected: `>= ${oldest}`,
        got: validBefore.toString(),
        ...(call === undefined ? {} : { call }),
      };
};

const expiryOf = (proof: Proof) => {
  if (proof.kind === 'intent') {
    const { validBefore } = proof.signed.intent;
    return { field: `${AGENT_INTENT_HEADER}.intent.validBefore`, validBefore };
  }
  const { version, authorization } = proof.payload;
  return {
    field: paymentField(version, signedField(proof.payload, 'validBefore')),
    validBefore: authorization.validBefore,
    call: authorization.nonce,
  };
};

/**
 * True if the gateway can reject a payment before it reads the body and verifies the signature: this isolate saw the call reserved, and
 * the account's replays pass the rate limit. A flood of copies must not cost a verification each.
 */
export const isThrottledReplay = (
  { replayCache }: Replays,
  proof: Proof,
  now: Seconds,
): boolean => {
  if (proof.kind !== 'payment') return false;
  const { network, authorization } = proof.payload;
  const account = accountId(network, authorization.from);
  return replayCache.isThrottled(account, now) && replayCache.has(account, authorization.nonce);
};

/** True if a checked proof can only look up its call: it has expired, it names a former payee, or this isolate saw its call reserved. */
export const isReplay = (
  { replayCache }: Replays,
  { network, payer, call, execute, former }: CheckedProof,
): boolean => !execute || former !== undefined || replayCache.has(accountId(network, payer), call);

/**
 * True if the rate limiter admits a replay. Counts the payer only if its key signed: anyone can name a payer, and a contract's signature
 * is verified only behind the client's limit.
 */
export const admitsReplay = async (
  gateway: Replays & { readonly rateLimit: RateLimit },
  { network, payer, signedByKey }: CheckedProof,
  headers: Headers,
  now: Seconds,
): Promise<boolean> => {
  const account = signedByKey ? accountId(network, payer) : undefined;
  const passes = await passesRateLimit(gateway, clientOf(headers), 'repeat', account);
  if (passes === 'payer_full' && account !== undefined) {
    gateway.replayCache.throttle(account, now + THROTTLE_TIME);
  }
  return passes === 'yes';
};

/** Remembers a reserved call. Not a denied one: a denial burns no call id, and the caller may send the same proof again. */
export const noteReserved = (
  { replayCache }: Replays,
  { account, id: call }: Call,
  { verdict }: ReserveVerdict,
): void => {
  if (RESERVED.has(verdict)) replayCache.add(account, call);
};

const RESERVED: ReadonlySet<ReserveVerdict['verdict']> = new Set([
  'go',
  'settle',
  'parked',
  'stored',
  'in_progress',
  'conflict',
  'already_used',
  'expired',
]);

/**
 * Calls that this isolate has seen reserved or expired, and accounts whose replays are throttled. The cache only decides whether a request
 * counts against the rate limiter or is rejected early. The account still rejects replays that the cache has forgotten or that other
 * isolates saw (law 3).
 */
export type ReplayCache = {
  has(account: AccountId, call: Hex): boolean;
  add(account: AccountId, call: Hex): void;
  /** Rejects replays of an account without verification until then. */
  throttle(account: AccountId, until: Seconds): void;
  isThrottled(account: AccountId, now: Seconds): boolean;
};

/** About two megabytes of text, and more calls than one isolate serves in ten seconds. */
const MAX_CALLS = 8_192;
const MAX_THROTTLED = 1_024;

export const openReplayCache = (maxCalls: number = MAX_CALLS): ReplayCache => {
  const calls = new Map<string, true>();
  const throttled = new Map<AccountId, Seconds>();
  // The payer chooses the nonce, so two accounts may have the same call id.
  const keyOf = (account: AccountId, call: Hex): string => `${account} ${call}`;
  return {
    has: (account, call) => {
      const key = keyOf(account, call);
      if (!calls.has(key)) return false;
      // Refreshes the entry, so that a proof under constant replay stays longer than calls that were seen once.
      setNewest(calls, key, true, maxCalls);
      return true;
    },
    add: (account, call) => setNewest(calls, keyOf(account, call), true, maxCalls),
    throttle: (account, until) => setNewest(throttled, account, until, MAX_THROTTLED),
    isThrottled: (account, now) => (throttled.get(account) ?? 0) > now,
  };
};

/** Sets an entry as the newest and evicts the oldest beyond `max`. */
const setNewest = <Key, Value>(map: Map<Key, Value>, key: Key, value: Value, max: number): void => {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
};
