import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { amounts } from '../../../src/policy/rule.ts';
import type { Call, Evidence, PayerFacts } from '../../../src/protocol/account/call.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import { MAX_STORED, min } from '../../../src/protocol/amount.ts';
import { freeCredit, promised, type Purse, purseOf, suspensionOf, withPurse } from '../purse.ts';
import { type AccountState, isKnown } from '../state.ts';
import { type HeldGrant, linksOf } from '../tree/grants.ts';
import { creditCovers, type LeaseNeed } from '../tree/lease-need.ts';
import { mayDefer, mayWait, roomFor, settlesSlowly } from './exposure.ts';
import type { Progress } from './progress.ts';
import type { PaidBy } from './record.ts';

/** Facts older than this are requested again before the account trusts them with money. */
const FACTS_LIFETIME: Seconds = 600;

/** `Retry-After` while settlements free the payer's balance or exposure. */
const SETTLEMENT_PAUSE: Seconds = 5;

/** `Retry-After` of a suspended payer: some blocks. */
const SUSPENDED_PAUSE: Seconds = 15;

/** The most credit of an account in one asset, ten million dollars: far below what storage can count. */
const MAX_CREDIT = 10_000_000_000_000n;

export type Funding =
  | { readonly funded: true; readonly paidBy: PaidBy; readonly lender?: Hex }
  /** The account must ask an ancestor for credit first. */
  | { readonly funded: false; readonly ask: LeaseNeed }
  | { readonly funded: false; readonly stale: true }
  /** Only a settlement would let the call run, and none is possible now. Seconds to wait. */
  | { readonly funded: false; readonly halted: Seconds }
  | {
      readonly funded: false;
      readonly stale: false;
      readonly denial: Omit<Denial, 'account' | 'policy'>;
    };

/** Takes over what the chain shows about the payer, unless newer facts are known. */
export const withFacts = (state: AccountState, facts: PayerFacts): AccountState => {
  const purse = purseOf(state, facts.asset);
  const known =
    facts.block < state.factsBlock && facts.at - state.factsAt <= FACTS_LIFETIME
      ? state
      : { ...state, hasCode: facts.hasCode, factsAt: facts.at, factsBlock: facts.block };
  const outdated = facts.block < purse.balanceBlock && facts.at - purse.balanceAt <= FACTS_LIFETIME;
  return outdated || facts.block < purse.settledBlock
    ? known
    : withPurse(known, facts.asset, {
        ...purse,
        // A balance may exceed what storage counts; the maximum is more than any price.
        balance: min(facts.balance, MAX_STORED),
        balanceBlock: facts.block,
        balanceAt: facts.at,
      });
};

/** Whether the account must check for code again: a key's account may have got code since (EIP-7702). */
export const isStale = (state: AccountState, now: Seconds): boolean =>
  state.factsAt === 0 || now - state.factsAt > FACTS_LIFETIME;

/** The funds and bounds that decide what pays for a call. */
export type Backing = {
  /** Limit of accepted but unsettled money. */
  readonly exposure: bigint;
  readonly grant: HeldGrant | undefined;
  readonly progress: Progress;
  /** Since when the longest open payment waits for the chain; undefined without one. */
  readonly openSince: () => Seconds | undefined;
};

/**
 * Decides what pays for a call: the payer's own credit, its payment (before or after the tool), an ancestor's credit, or nothing (laws
 * 7 and 12).
 */
export const fund = (
  state: AccountState,
  call: Call,
  evidence: Evidence,
  { exposure, grant, progress, openSince }: Backing,
  now: Seconds,
): Funding => {
  const purse = purseOf(state, call.asset);
  const refuse = (denial: Omit<Denial, 'account' | 'policy'>): Funding => ({
    funded: false,
    stale: false,
    denial,
  });
  const fresh = evidence.facts !== undefined;
  // An ancestor's credit needs no settlement, so try it before refusing.
  const halt = (seconds: Seconds): Funding =>
    (call.topUp === undefined ? borrow(state, call, grant, progress) : undefined) ?? {
      funded: false,
      halted: seconds,
    };

  // Law 12: nothing can pay for a stranger's intent, so it must not cost a look at the chain.
  if (call.payment === undefined && call.settlement !== 'free' && !isKnown(state)) {
    return refuse(lacksCredit(purse));
  }
  // ERC-1271: only its contract can verify the signature of an account with code.
  if (isStale(state, now) && call.contractCheckedAt === undefined) {
    return { funded: false, stale: true };
  }
  if (state.hasCode && call.contractCheckedAt === undefined) {
    return fresh
      ? refuse({ rule: 'validity', retryAllowed: false })
      : { funded: false, stale: true };
  }

  // A top-up clears a debt. Its money must come from outside: credit cannot buy credit.
  const topsUp = call.topUp !== undefined;
  if (topsUp && (call.payment === undefined || call.settlement !== 'upfront')) {
    return refuse({ rule: 'credit', retryAllowed: false });
  }
  if (topsUp && purse.credit + purse.upfrontHeld + call.price > MAX_CREDIT) {
    return refuse({
      rule: 'credit',
      limit: amounts('credit', MAX_CREDIT, purse.credit, purse.upfrontHeld),
      retryAllowed: false,
    });
  }
  const clearsDebt = call.topUp?.to === state.account;
  if (!clearsDebt && purse.credit < 0n) {
    return refuse({
      rule: 'debt',
      limit: amounts('debt', 0n, -purse.credit, 0n),
      retryAllowed: false,
    });
  }
  if (call.settlement === 'free') {
    // Law 12: anyone can make keys; only a key that has shown money may cost a row.
    if (isKnown(state) || purse.balance > 0n) return { funded: true, paidBy: 'free' };
    return fresh
      ? refuse({ rule: 'penniless', retryAllowed: true })
      : { funded: false, stale: true };
  }

  if (!topsUp && freeCredit(purse) >= call.price) return { funded: true, paidBy: 'credit' };
  if (call.settlement === 'credit' || call.payment === undefined) {
    return borrow(state, call, grant, progress) ?? refuse(lacksCredit(purse));
  }

  const balanceIsFresh = purse.balanceAt > 0 && now - purse.balanceAt <= FACTS_LIFETIME;
  if (!balanceIsFresh) return { funded: false, stale: true };
  if (evidence.facts?.nonceUsed === true) {
    return refuse({ rule: 'nonce_used', retryAllowed: false });
  }
  if (promised(purse) + call.price > purse.balance) {
    // A wallet that was funded a second ago must not be refused on a balance that is ten minutes old.
    if (!fresh) return { funded: false, stale: true };
    return (
      (topsUp ? undefined : borrow(state, call, grant, progress)) ??
      refuse({
        rule: 'balance',
        limit: amounts('balance', purse.balance, 0n, promised(purse)),
        retryAllowed: true,
        ...(promised(purse) > 0n ? { retryAfter: SETTLEMENT_PAUSE } : {}),
      })
    );
  }

  // A suspended payer may show with one payment at a time that it can pay again. More would cost backends trials in vain (law 12).
  const suspension = suspensionOf(state);
  if (suspension !== undefined && call.settlement === 'deferred' && purse.upfrontHeld > 0n) {
    return (
      borrow(state, call, grant, progress) ??
      refuse({
        rule: 'suspended',
        limit: {
          ...amounts('suspended', 0n, suspension.amount, purse.upfrontHeld),
          resetsAt: suspension.until,
        },
        retryAllowed: true,
        retryAfter: SUSPENDED_PAUSE,
      })
    );
  }

  const outage = evidence.outage?.retryAfter;
  const isFull = call.price > roomFor(purse, exposure);
  if (isFull && mayWait(state, call, exposure)) {
    // Back-pressure is not a denial: settlement is behind, and the payer is not at fault.
    const pause = outage ?? settlesSlowly(openSince(), now);
    if (pause !== undefined) return halt(pause);
    return refuse({
      rule: 'exposure',
      limit: amounts('exposure', exposure, purse.unsettled, purse.deferredHeld),
      retryAllowed: true,
      retryAfter: SETTLEMENT_PAUSE,
    });
  }
  if (!isFull && mayDefer(state, call, exposure, now)) return { funded: true, paidBy: 'deferred' };
  return outage === undefined ? { funded: true, paidBy: 'upfront' } : halt(outage);
};

/** The nearest ancestor that has credit to lend; the account asks each once. */
const borrow = (
  state: AccountState,
  { price }: Call,
  grant: HeldGrant | undefined,
  progress: Progress,
): Funding | undefined => {
  const link = lenderOf(grant, progress);
  if (link === undefined) return undefined;
  return creditCovers(state, link, price) || progress.wouldLendCredit.includes(link.hash)
    ? { funded: true, paidBy: 'lent', lender: link.hash }
    : { funded: false, ask: { link, need: price, credit: price } };
};

/** The ancestor whose credit to ask for next. */
export const lenderOf = (
  grant: HeldGrant | undefined,
  { withoutCredit }: Progress,
): SignedGrant | undefined =>
  grant && linksOf(grant).find(({ hash }) => !withoutCredit.includes(hash));

const lacksCredit = (purse: Purse): Omit<Denial, 'account' | 'policy'> => ({
  rule: 'credit',
  limit: amounts('credit', purse.credit, 0n, purse.creditHeld + purse.creditLent),
  retryAllowed: true,
});
