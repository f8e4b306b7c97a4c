import type { Seconds } from '../core/clock.ts';
import { type Address, type Hex, ZERO_ADDRESS } from '../core/hex.ts';
import { ANY_PAYEE } from '../policy/rules/payees.ts';
import { periodOf, windowName } from '../policy/window.ts';
import { assetId, network } from '../protocol/account-id.ts';
import { BOUND_VALID_AFTER } from '../protocol/intent/binding.ts';
import {
  MAX_AUTHORIZATION_VALIDITY,
  MAX_INTENT_VALIDITY,
  type SignerPolicy,
} from '../protocol/signer/policy.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { allowsSignerTool } from './policy.ts';
import type { SigningRequest } from './signing-request.ts';
import { type Spending, spentIn, withSpent } from './spending.ts';

/**
 * What the signer has signed for one intent: the intent, its payment, the approval of Permit2 for that payment, or several of them. Kept
 * until all of them have expired.
 */
export type Slot = {
  readonly spend: Hex;
  /** The amount, counted once, whether the intent or the payment was signed first. */
  readonly amount: bigint;
  /** Digests that were signed. */
  readonly intent?: Hex;
  readonly payment?: Hex;
  readonly approval?: Hex;
  /** Unix seconds. */
  readonly until: Seconds;
};

/** The agent that asks, as the deciding transaction reads it. */
export type Subject = {
  readonly address: Address;
  /** Chain of the owner's account; intents that move no money may name it. */
  readonly chainId: number;
  readonly policy: SignerPolicy;
  readonly spending: Spending;
  /** The slot of the request's intent, if there is one. */
  readonly slot: Slot | undefined;
};

/** Rules in the order of evaluation. Names are final: exported logs contain them. */
export type SignerRule =
  | 'paused'
  | 'address'
  | 'agent'
  | 'chain'
  | 'audience'
  | 'tool'
  | 'validity'
  | 'binding'
  | 'payee'
  | 'asset'
  | 'per_signature'
  | 'approval'
  | 'already_paid'
  | 'window'
  | 'lifetime';

export type SignerLimit = {
  readonly rule: string;
  readonly limit: bigint;
  readonly spent: bigint;
  readonly resetsAt?: Seconds;
};

export type Refusal = {
  readonly verdict: 'refuse';
  readonly rule: SignerRule;
  /** The member of the request to which the rule applies. */
  readonly field?: string;
  readonly limit?: SignerLimit;
  /** Set only if a later request can pass. */
  readonly retryAfter?: Seconds;
};

/** `sign`: store slot and spending, then sign. `repeat`: this typed data was signed before; sign again, store nothing. */
export type Judgement =
  | { readonly verdict: 'sign'; readonly slot: Slot; readonly spending: Spending }
  | { readonly verdict: 'repeat'; readonly slot: Slot }
  | Refusal;

/** Decides whether a key may sign. Pure, and cheap: it runs inside the deciding transaction, before the key is touched (law 2). */
export const judge = (subject: Subject, request: SigningRequest, now: Seconds): Judgement =>
  scopeFault(subject, request) ??
  validityFault(subject.policy, request, now) ??
  bindingFault(request) ??
  moneyFault(subject.policy, request) ??
  reserve(subject, request, now);

const refuse = (rule: SignerRule, field?: string, limit?: SignerLimit): Refusal => ({
  verdict: 'refuse',
  rule,
  ...(field === undefined ? {} : { field }),
  ...(limit === undefined ? {} : { limit }),
});

/** Checks the address, the chain, the gateway and the tool of the request. */
const scopeFault = (
  { address, chainId, policy }: Subject,
  request: SigningRequest,
): Refusal | undefined => {
  const { intent } = request;
  if (policy.status === 'paused') return refuse('paused');
  if (request.address !== address) return refuse('address', 'params[0]');
  if (intent.agent !== address) return refuse('agent', 'agent');
  const chains = policy.assets.map((asset) => asset.slice(0, asset.indexOf('/')));
  const isOwn = request.chainId === chainId;
  if (!isOwn && !chains.includes(network(request.chainId)))
    return refuse('chain', 'domain.chainId');
  if (!policy.audiences.includes(intent.audience)) return refuse('audience', 'audience');
  return allowsSignerTool(policy.tools, intent.tool) ? undefined : refuse('tool', 'tool');
};

/** Both must end soon, so that a captured signature is worth little, and a revocation takes effect soon. */
const validityFault = (
  { maxValidity = MAX_AUTHORIZATION_VALIDITY }: SignerPolicy,
  request: SigningRequest,
  now: Seconds,
): Refusal | undefined => {
  const { validAfter, validBefore } = request.intent;
  const at = BigInt(now);
  const longest = (most: Seconds): bigint => at + BigInt(Math.min(most, maxValidity));
  if (validBefore <= at || validBefore > longest(MAX_INTENT_VALIDITY))
    return refuse('validity', 'validBefore');
  if (validAfter >= validBefore || validBefore - validAfter > BigInt(MAX_INTENT_VALIDITY)) {
    return refuse('validity', 'validAfter');
  }
  const until = endOf(request);
  // A gateway refuses a payment that ends before its intent, and the payer's signature would buy nothing.
  return request.kind !== 'intent' &&
    (until > longest(MAX_AUTHORIZATION_VALIDITY) || until < validBefore)
    ? refuse(
        'validity',
        request.kind === 'payment' ? 'authorization.validBefore' : 'approval.deadline',
      )
    : undefined;
};

/** When the signed data expires: Unix seconds. */
const endOf = (request: SigningRequest): bigint => {
  if (request.kind === 'approval') return request.approval.deadline;
  return (request.kind === 'intent' ? request.intent : request.authorization).validBefore;
};

/** A payment must be the one that the intent describes, and carry the mark that keeps it bound when the intent is stripped (CWE-757). */
const bindingFault = (request: SigningRequest): Refusal | undefined => {
  if (request.kind === 'intent') return undefined;
  if (request.kind === 'approval') return approvalFault(request);
  const { intent, authorization, token, spend } = request;
  const fault = (field: string): Refusal => refuse('binding', `authorization.${field}`);
  if (authorization.nonce !== spend) return fault('nonce');
  if (authorization.validAfter !== BOUND_VALID_AFTER) return fault('validAfter');
  if (authorization.from !== intent.agent) return fault('from');
  if (authorization.to !== intent.payTo) return fault('to');
  if (intent.asset !== token.address) return refuse('binding', 'asset');
  return authorization.value > intent.maxAmount ? fault('value') : undefined;
};

/** Attack: an unlimited allowance would outlive the call. An approval covers the payment of its intent and no more. */
const approvalFault = ({
  intent,
  approval,
  token,
}: Extract<SigningRequest, { readonly kind: 'approval' }>): Refusal | undefined => {
  if (approval.owner !== intent.agent) return refuse('binding', 'approval.owner');
  if (intent.asset !== token.address) return refuse('binding', 'asset');
  return approval.value > intent.maxAmount ? refuse('binding', 'approval.value') : undefined;
};

const moneyFault = (
  policy: SignerPolicy,
  { kind, intent, chainId }: SigningRequest,
): Refusal | undefined => {
  const { payTo, asset, maxAmount } = intent;
  // An intent without an amount spends no credit: it calls free tools and asks questions.
  if (kind === 'intent' && maxAmount === 0n) return undefined;
  const isPayee = policy.payees.includes(payTo) || policy.payees.includes(ANY_PAYEE);
  if (payTo === ZERO_ADDRESS || !isPayee) return refuse('payee', 'payTo');
  const on = network(chainId);
  // Amounts are dollars only in the pinned token.
  const isPinned = tokenOf(on)?.address === asset;
  if (!isPinned || !policy.assets.includes(assetId(on, asset))) return refuse('asset', 'asset');
  if (maxAmount > policy.perSignature) {
    return refuse('per_signature', 'maxAmount', {
      rule: 'per_signature',
      limit: policy.perSignature,
      spent: 0n,
    });
  }
  return policy.approveAbove !== undefined && maxAmount > policy.approveAbove
    ? refuse('approval', 'maxAmount', {
        rule: 'approve_above',
        limit: policy.approveAbove,
        spent: 0n,
      })
    : undefined;
};

/** Counts the money once for an intent, its payment and its approval, and allows one of each. */
const reserve = (
  { policy, spending, slot }: Subject,
  request: SigningRequest,
  now: Seconds,
): Judgement => {
  const { kind, digest, spend, intent } = request;
  if (slot !== undefined && slot[kind] === digest) return { verdict: 'repeat', slot };
  if (slot?.[kind] !== undefined) {
    return refuse('already_paid', kind === 'approval' ? 'approval' : 'authorization');
  }
  const until = Math.max(Number(endOf(request)), Number(intent.validBefore), slot?.until ?? 0);
  if (slot !== undefined)
    return { verdict: 'sign', slot: { ...slot, [kind]: digest, until }, spending };
  const amount = intent.maxAmount;
  return (
    spendFault(policy, spending, amount, now) ?? {
      verdict: 'sign',
      slot: { spend, amount, [kind]: digest, until },
      spending: amount === 0n ? spending : withSpent(spending, policy, amount, now),
    }
  );
};

const spendFault = (
  { windows, lifetime }: SignerPolicy,
  spending: Spending,
  amount: bigint,
  now: Seconds,
): Refusal | undefined => {
  if (amount === 0n) return undefined;
  for (const { every, limit } of windows) {
    const spent = spentIn(spending, every, now);
    if (spent + amount <= limit) continue;
    const resetsAt = periodOf(every, now).end;
    const name = `window:${windowName(every)}`;
    const refusal = refuse('window', 'maxAmount', {
      rule: name,
      limit,
      spent,
      resetsAt,
    });
    // An amount above the whole limit fits into no later window.
    return amount > limit ? refusal : { ...refusal, retryAfter: Math.max(1, resetsAt - now) };
  }
  return lifetime !== undefined && spending.lifetime + amount > lifetime
    ? refuse('lifetime', 'maxAmount', {
        rule: 'lifetime',
        limit: lifetime,
        spent: spending.lifetime,
      })
    : undefined;
};
