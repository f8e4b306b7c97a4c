import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import { amounts } from '../../../src/policy/rule.ts';
import { isFiat } from '../../../src/protocol/fiat-asset.ts';
import type { Call, Evidence } from '../../../src/protocol/account/call.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import {
  exposed,
  freeCredit,
  isAllowed,
  promised,
  type Purse,
  purseOf,
  suspensionOf,
} from '../purse.ts';
import { type AccountState, isKnown } from '../state.ts';
import { type HeldGrant, linksOf } from '../tree/grants.ts';
import { creditCovers, type LeaseNeed } from '../tree/lease-need.ts';
import { creditRecovery, type Recovery } from '../tree/recovery.ts';
import type { PaidBy } from './call-record.ts';
import { mayDefer, mayEverDefer, remainingExposure, slowSettlementPause } from './exposure.ts';
import { isAllowanceFresh, isBalanceFresh, isStale } from './payer-facts.ts';
import type { Progress } from './progress.ts';

/** `Retry-After` while settlements free the payer's balance or exposure. */
const SETTLEMENT_PAUSE: Seconds = 5;

/** `Retry-After` of a suspended payer: some blocks. */
const SUSPENDED_PAUSE: Seconds = 15;

/** The most credit of an account in one asset, ten million dollars: far below what storage can count. */
const MAX_CREDIT = 10_000_000_000_000n;

/** What pays for a call, or what prevents that. */
export type Funding =
  | { readonly status: 'funded'; readonly paidBy: PaidBy; readonly lender?: Hex }
  /** The account must request credit from an ancestor first. */
  | { readonly status: 'needs_credit'; readonly need: LeaseNeed }
  /** The account must ask the chain about the payer first. */
  | { readonly status: 'needs_facts' }
  /** Only a settlement would let the call run, and none is possible now. Seconds to wait. */
  | { readonly status: 'halted'; readonly retryAfter: Seconds }
  | { readonly status: 'denied'; readonly denial: Omit<Denial, 'account' | 'policy'> };

export type Funded = Extract<Funding, { readonly status: 'funded' }>;

/** The inputs that decide what pays for a call. */
export type FundingRequest = {
  readonly state: AccountState;
  readonly call: Call;
  readonly evidence: Evidence;
  /** Limit of accepted but unsettled money. */
  readonly exposure: bigint;
  readonly grant: HeldGrant | undefined;
  /**
   * The payment of this call was held while a person decided. Only it may pay: its payer may have moved it meanwhile, and paying from
   * credit instead would leave that money unaccounted for (law 5).
   */
  readonly isHeld: boolean;
  readonly progress: Progress;
  /** Since when the longest open payment waits for the chain; undefined without one. */
  readonly openSince: () => Seconds | undefined;
  readonly now: Seconds;
};

/**
 * Decides what pays for a call: the payer's own credit, its payment (before or after the tool), an ancestor's credit, or nothing (laws
 * 7 and 12).
 */
export const fund = (request: FundingRequest): Funding => {
  const { state, call, evidence } = request;
  const purse = purseOf(state, call.asset);
  if (isFiat(call.asset)) return fundInFiat(request);
  const early =
    checkStranger(request, purse) ?? checkTopUp(request, purse) ?? checkDebt(request, purse);
  if (early !== undefined) return early;
  if (call.settlement === 'free') {
    // Law 12: anyone can make keys; only a key that has shown money may cost a row.
    if (isKnown(state) || purse.balance > 0n) return { status: 'funded', paidBy: 'free' };
    return evidence.facts === undefined
      ? needFacts(request)
      : deny({ rule: 'penniless', retryAllowed: true });
  }
  if (call.topUp === undefined && !request.isHeld && freeCredit(purse) >= call.price) {
    return { status: 'funded', paidBy: 'credit' };
  }
  if (call.settlement === 'credit' || call.payment === undefined) {
    return borrow(request) ?? deny(lacksCredit(purse));
  }
  return (
    checkSigner(request) ??
    checkBalance(request, purse) ??
    checkAllowance(request, purse) ??
    checkSuspension(request, purse) ??
    pay(request, purse)
  );
};

/**
 * Nothing here pays for a call in fiat, so credit, debt, balance and exposure do not apply: the operator's card pays. Law 8: a policy that
 * the operator itself wrote must allow the currency (`checkFiatAuthority`). Law 12: a stranger has no policy, so it is denied at once.
 */
const fundInFiat = (request: FundingRequest): Funding => {
  const { state, call } = request;
  const isAllowed = call.settlement === 'card' && call.topUp === undefined && isKnown(state);
  if (!isAllowed) return deny({ rule: 'asset', retryAllowed: false });
  return checkSigner(request) ?? { status: 'funded', paidBy: 'card' };
};

/** `Retry-After` of refusals while no node of the chain answers. */
const SILENT_PAUSE: Seconds = 5;

/** Requests facts about the payer. If no node answers, only the credit of an ancestor can pay (law 13). */
const needFacts = (request: FundingRequest): Funding =>
  request.evidence.isChainSilent === true ? halt(request, SILENT_PAUSE) : { status: 'needs_facts' };

const deny = (denial: Omit<Denial, 'account' | 'policy'>): Funding => ({
  status: 'denied',
  denial,
});

type Check = (request: FundingRequest, purse: Purse) => Funding | undefined;

/** Law 12: an unknown account without a payment has nothing that could pay for the call. */
const checkStranger: Check = ({ state, call }, purse) =>
  call.payment === undefined && call.settlement !== 'free' && !isKnown(state)
    ? deny(lacksCredit(purse))
    : undefined;

/**
 * Whether the key of the account may sign payments. For an account with code (EIP-7702) the token asks its contract, so a payment signed by
 * the key would fail. For everything else the gateway accepts the key, because it remains the root of the account (law 13, DECISIONS.md).
 */
const checkSigner = (request: FundingRequest): Funding | undefined => {
  const { state, call, evidence, now } = request;
  if (call.contractCheckedAt !== undefined) return undefined;
  if (isStale(state, now)) return needFacts(request);
  if (!state.hasCode) return undefined;
  // ERC-1271: only its contract can verify the signature of an account with code.
  return evidence.facts === undefined
    ? needFacts(request)
    : deny({ rule: 'validity', retryAllowed: false });
};

/** The money of a top-up must come from outside: credit cannot buy credit. */
const checkTopUp: Check = ({ call }, purse) => {
  if (call.topUp === undefined) return undefined;
  if (call.payment === undefined || call.settlement !== 'upfront') {
    return deny({ rule: 'credit', retryAllowed: false });
  }
  return purse.credit + purse.upfrontHeld + call.price > MAX_CREDIT
    ? deny({
        rule: 'credit',
        limit: amounts('credit', MAX_CREDIT, purse.credit, purse.upfrontHeld),
        retryAllowed: false,
      })
    : undefined;
};

/** A debt refuses every call but the top-up that clears it. */
const checkDebt: Check = ({ state, call }, purse) =>
  owes(state, call, purse)
    ? deny({
        rule: 'debt',
        limit: amounts('debt', 0n, -purse.credit, 0n),
        retryAllowed: false,
      })
    : undefined;

const owes = ({ account }: AccountState, { topUp }: Call, { credit }: Purse): boolean =>
  credit < 0n && topUp?.to !== account;

/** The balance must cover this payment and every accepted one. */
const checkBalance: Check = (request, purse) => {
  const { call, evidence, now } = request;
  if (!isBalanceFresh(purse, now)) return needFacts(request);
  if (evidence.facts?.nonceUsed === true) return deny({ rule: 'nonce_used', retryAllowed: false });
  if (promised(purse) + call.price <= purse.balance) return undefined;
  // A wallet that was funded a second ago must not be refused on a balance that is ten minutes old.
  if (evidence.facts === undefined) return needFacts(request);
  return (
    (call.topUp === undefined ? borrow(request) : undefined) ??
    deny({
      rule: 'balance',
      limit: amounts('balance', purse.balance, 0n, promised(purse)),
      retryAllowed: true,
      ...(promised(purse) > 0n ? { retryAfter: SETTLEMENT_PAUSE } : {}),
    })
  );
};

/** Permit2 must be allowed to transfer this payment and every accepted one, unless the permit carries an approval. */
const checkAllowance: Check = (request, purse) => {
  const { call, evidence, now } = request;
  const permit = call.payment?.permit;
  if (permit === undefined) return undefined;
  if (!isAllowanceFresh(purse, now)) return needFacts(request);
  if (isAllowed(purse, call)) return undefined;
  if (permit.approval !== undefined) {
    // The approval replaces the allowance (EIP-2612), and accepted permits still need that.
    const isNeeded = exposed(purse) > 0n && promised(purse) <= (purse.allowance?.amount ?? 0n);
    return isNeeded ? halt(request, SETTLEMENT_PAUSE) : undefined;
  }
  // As for a balance: older facts must not deny a payer that has just approved Permit2.
  if (evidence.facts === undefined) return needFacts(request);
  return (
    borrow(request) ??
    deny({
      rule: 'allowance',
      limit: amounts('allowance', purse.allowance?.amount ?? 0n, 0n, promised(purse)),
      retryAllowed: true,
    })
  );
};

/**
 * A suspended payer may prove with one payment at a time that it can pay again. More payments would cost backends futile attempts (law 12).
 */
const checkSuspension: Check = (request, purse) => {
  const { state, call } = request;
  const suspension = suspensionOf(state);
  const isTrying = call.settlement === 'deferred' && purse.upfrontHeld > 0n;
  if (suspension === undefined || !isTrying) return undefined;
  return (
    borrow(request) ??
    deny({
      rule: 'suspended',
      limit: {
        ...amounts('suspended', 0n, suspension.amount, purse.upfrontHeld),
        resetsAt: suspension.until,
      },
      retryAllowed: true,
      retryAfter: SUSPENDED_PAUSE,
    })
  );
};

/** Decides whether the call's own payment settles after its tool or before it. */
const pay = (request: FundingRequest, purse: Purse): Funding => {
  const { state, call, evidence, exposure, openSince, now } = request;
  const outage = evidence.outage?.retryAfter;
  const isFull = call.price > remainingExposure(purse, exposure);
  if (isFull && mayEverDefer(state, call, exposure)) {
    // Back-pressure is not a denial: settlement is behind, and the payer is not at fault.
    const pause = outage ?? slowSettlementPause(openSince(), now);
    if (pause !== undefined) return halt(request, pause);
    return deny({
      rule: 'exposure',
      limit: amounts('exposure', exposure, purse.unsettled, purse.deferredHeld),
      retryAllowed: true,
      retryAfter: SETTLEMENT_PAUSE,
    });
  }
  if (!isFull && mayDefer(state, call, exposure, now)) {
    return { status: 'funded', paidBy: 'deferred' };
  }
  return outage === undefined ? { status: 'funded', paidBy: 'upfront' } : halt(request, outage);
};

/** An ancestor's credit needs no settlement, so the account tries it before it refuses the call. */
const halt = (request: FundingRequest, retryAfter: Seconds): Funding =>
  (request.call.topUp === undefined ? borrow(request) : undefined) ?? {
    status: 'halted',
    retryAfter,
  };

/** The nearest ancestor that has credit to lend; the account asks each once. */
const borrow = (request: FundingRequest): Funding | undefined => {
  const { state, call, grant, progress } = request;
  const link = request.isHeld ? undefined : lenderOf(grant, progress);
  if (link === undefined) return undefined;
  return creditCovers(state, link, call.price) || progress.wouldLendCredit.includes(link.hash)
    ? { status: 'funded', paidBy: 'lent', lender: link.hash }
    : { status: 'needs_credit', need: { link, need: call.price, credit: call.price } };
};

/** The ancestor whose credit to request next. */
const lenderOf = (
  grant: HeldGrant | undefined,
  { withoutCredit }: Progress,
): SignedGrant | undefined =>
  grant && linksOf(grant).find(({ hash }) => !withoutCredit.includes(hash));

const lacksCredit = (purse: Purse): Omit<Denial, 'account' | 'policy'> => ({
  rule: 'credit',
  limit: amounts('credit', purse.credit, 0n, purse.creditHeld + purse.creditLent),
  retryAllowed: true,
});

/** Returns whether descendants could return enough credit to pay for a call. */
export const lentCreditRecovery = (
  state: AccountState,
  { asset, price, topUp }: Pick<Call, 'asset' | 'price' | 'topUp'>,
  funding: Funding,
): Recovery => {
  const isCreditMissing =
    funding.status === 'halted' ||
    (funding.status === 'denied' && funding.denial.rule === 'credit');
  return isCreditMissing && topUp === undefined
    ? creditRecovery(purseOf(state, asset), price)
    : 'never';
};

/**
 * Decides whether an outage ends a call before it costs a request to another account or to the chain: only a settlement could pay for such
 * a call, whatever the chain shows about its payer. Returns the seconds to wait; undefined if the call may continue. A call that is refused
 * anyway must cost neither an observation of the chain (law 12) nor a share of an ancestor's limit.
 */
export const outagePause = ({
  state,
  call,
  evidence: { outage },
  exposure,
  grant,
  progress,
  now,
}: FundingRequest): Seconds | undefined => {
  if (outage === undefined || call.payment === undefined) return undefined;
  if (call.settlement !== 'upfront' && call.settlement !== 'deferred') return undefined;
  const purse = purseOf(state, call.asset);
  // Answer with the debt instead, because waiting does not clear it.
  if (owes(state, call, purse)) return undefined;
  const isCovered =
    call.topUp === undefined &&
    (freeCredit(purse) >= call.price ||
      lenderOf(grant, progress) !== undefined ||
      (creditRecovery(purse, call.price) !== 'never' && progress.recalls === 0));
  return isCovered || mayDefer(state, call, exposure, now) ? undefined : outage.retryAfter;
};
