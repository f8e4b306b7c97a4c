import type { Seconds } from '../../../src/core/clock.ts';
import type { Evidence, PayerFacts } from '../../../src/protocol/account/call.ts';
import { MAX_STORED, min } from '../../../src/protocol/amount.ts';
import { type Purse, purseOf, withPurse } from '../purse.ts';
import type { AccountState } from '../state.ts';

/** Facts older than this are requested again before the account trusts them with money. */
const FACTS_LIFETIME: Seconds = 600;

/** Updates the account's memory with the chain's facts about the payer and with the contracts that confirmed their signatures. */
export const withEvidence = (state: AccountState, { facts, grants }: Evidence): AccountState => {
  const informed = facts === undefined ? state : withFacts(state, facts);
  const confirmed = (grants ?? []).filter(({ valid }) => valid);
  if (confirmed.length === 0) return informed;
  const checks = confirmed.map(({ hash, at }) => [hash, at] as const);
  return { ...informed, grantChecks: { ...informed.grantChecks, ...Object.fromEntries(checks) } };
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
        // A balance may exceed the largest safe integer; the maximum stored here is above any price.
        balance: min(facts.balance, MAX_STORED),
        balanceBlock: facts.block,
        balanceAt: facts.at,
        ...(facts.allowance === undefined
          ? {}
          : { allowance: { amount: min(facts.allowance, MAX_STORED), at: facts.at } }),
      });
};

/** Whether the account must check for code again: a key's account may have got code since (EIP-7702). */
export const isStale = (state: AccountState, now: Seconds): boolean =>
  state.factsAt === 0 || now - state.factsAt > FACTS_LIFETIME;

/** Whether the payer's balance is recent enough to accept a payment on it. */
export const isBalanceFresh = ({ balanceAt }: Purse, now: Seconds): boolean =>
  balanceAt > 0 && now - balanceAt <= FACTS_LIFETIME;

/** As `isBalanceFresh`, for the allowance of Permit2. */
export const isAllowanceFresh = ({ allowance }: Purse, now: Seconds): boolean =>
  allowance !== undefined && now - allowance.at <= FACTS_LIFETIME;
