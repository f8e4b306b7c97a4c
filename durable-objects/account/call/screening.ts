import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Evidence } from '../../../src/protocol/account/call.ts';
import {
  SCREENING_LIFETIME,
  type ScreeningEvidence,
  type ScreeningVerdict,
} from '../../../src/protocol/account/screening.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { isDurable } from '../../store/decision.ts';
import { type Context, type Decision, enter, stored, unstored } from '../decision.ts';
import type { AccountState, ScreenedAccounts, ScreeningResult } from '../state.ts';
import { issuerOf, linksOf } from '../tree/grants.ts';
import type { Refusal } from './denial.ts';
import type { Funded } from './funding.ts';
import { type Answer, refuse, type Reservation } from './reservation.ts';
import type { ScreeningCode } from './screening-code.ts';

/*
 * Screening (docs/screening.md): the account requests a verdict on itself, and on the ancestor whose credit would pay, at most once a day.
 * A listed account spends nothing until a later screening clears it; nothing takes its credit.
 */

/** Whether the last screening of the account listed it, so that its credit must not leave. */
export const isFrozen = ({ account, screened: known }: AccountState): boolean =>
  known?.[account]?.verdict === 'listed';

/** Whether a verdict of today forbids every call of the account. After it, the next call is screened again. */
export const isForbidden = ({ account, screened: known }: AccountState, now: Seconds): boolean => {
  const result = known?.[account];
  return result !== undefined && !result.passes && now < result.until;
};

/** Refuses a call of an account whose last verdict forbids it and still stands, before the call costs another account a request. */
const refuseListed = (reservation: Reservation): Answer | undefined => {
  const { state, evidence, context } = reservation;
  const known = state.screened?.[state.account];
  return known !== undefined && forbids(known, evidence.screening, context.now)
    ? refuse(reservation, refusalOf(state.account))
    : undefined;
};

/**
 * Requests the screenings that a call still lacks, once everything else allows the call; records verdicts that the Worker brings, and
 * refuses the call if one of them forbids it. A dry run must cost no question to a provider, so it knows only verdicts that stand.
 *
 * @param counted the account with the call counted towards the rate of calls that may fail.
 * @param next decides the call if no verdict forbids it.
 */
const screened = (
  reservation: Reservation,
  counted: AccountState,
  funding: Funded,
  next: (reservation: Reservation, counted: AccountState) => Answer,
): Answer => {
  const { state, evidence, context, isDryRun } = reservation;
  const { screening } = evidence;
  const accounts = accountsOf(reservation, funding);
  const isGiven = (of: AccountId): boolean =>
    screening?.verdicts?.some(({ account }) => account === of) === true;
  const isOpen = (account: AccountId): boolean =>
    !isGiven(account) && !stands(state.screened?.[account], screening, context.now);
  const open = screening === undefined || isDryRun ? [] : accounts.filter(isOpen);
  if (open.length > 0) return unstored(state, { verdict: 'unscreened', accounts: open });
  const recorded = isDryRun
    ? { state: counted, entries: [] }
    : recordVerdicts(counted, evidence, context);
  const { head, tree, screened: known } = recorded.state;
  const informed = { ...state, head, tree, ...(known === undefined ? {} : { screened: known }) };
  const forbidden = accounts.find((account) => {
    const result = known?.[account];
    if (result === undefined) return false;
    // Race: an isolate may bring a verdict in its last second, and the clock here may be ahead.
    return isGiven(account) ? !result.passes : forbids(result, screening, context.now);
  });
  if (forbidden !== undefined) {
    const denied = refuse({ ...reservation, state: informed }, refusalOf(forbidden));
    return withEntries(recorded.entries, denied);
  }
  const decision = next({ ...reservation, state: informed }, recorded.state);
  if (recorded.entries.length === 0) return decision;
  // Parking loads code or asks another account first: the whole call is decided again, with the same verdicts.
  return isDurable(decision)
    ? withEntries(recorded.entries, decision)
    : unstored(state, decision.verdict);
};

export const SCREENING: ScreeningCode = { refuseListed, screened };

/** The account, and the ancestor whose credit would pay. */
const accountsOf = (
  { state, grant }: Reservation,
  { lender }: Funded,
): readonly [AccountId, ...AccountId[]] => {
  const link = grant && linksOf(grant).find(({ hash }) => hash === lender);
  return link === undefined ? [state.account] : [state.account, issuerOf(link)];
};

const refusalOf = (account: AccountId): Refusal => ({
  rule: 'screening',
  account,
  retryAllowed: false,
});

/** Whether a verdict need not be requested again. */
const stands = (
  result: ScreeningResult | undefined,
  screening: ScreeningEvidence | undefined,
  now: Seconds,
): boolean =>
  result !== undefined &&
  now < result.until &&
  (screening === undefined || result.settings === screening.settings);

/** Without a screening nothing could clear a listed account, so its verdict stands. */
const forbids = (
  result: ScreeningResult,
  screening: ScreeningEvidence | undefined,
  now: Seconds,
): boolean =>
  !result.passes &&
  (stands(result, screening, now) || (screening === undefined && result.verdict === 'listed'));

/** Records the verdicts of the Worker that replace none which stands: for each one an entry, in the same commit as the call's own. */
export const recordVerdicts = (
  state: AccountState,
  { screening }: Pick<Evidence, 'screening'>,
  context: Pick<Context, 'now' | 'salt'>,
): { readonly state: AccountState; readonly entries: readonly Entry[] } => {
  let next = state;
  const entries: Entry[] = [];
  for (const given of screening?.verdicts ?? []) {
    const { settings = '0x' } = screening ?? {};
    // Race: another call has brought a verdict meanwhile.
    if (stands(next.screened?.[given.account], screening, context.now)) continue;
    const { verdict, source, account, at } = given;
    const result = resultOf(next.screened?.[account], given, settings, context.now);
    const { passes } = result;
    const entered = enter(next, context, {
      type: 'account.screened',
      decision: verdict,
      outcome: { account, source, passes, at },
    });
    next = { ...entered.state, screened: withResult(next, account, result, context.now) };
    entries.push(entered.entry);
  }
  return { state: next, entries };
};

/** A source that does not answer clears nobody: a listed account stays listed, whatever `onFailure` says. */
const resultOf = (
  known: ScreeningResult | undefined,
  { verdict, passes, at }: ScreeningVerdict,
  settings: Hex,
  now: Seconds,
): ScreeningResult => {
  // A verifier knows when the account recorded that a source did not answer, and counts from there.
  const until = (verdict === 'unanswered' ? now : at) + SCREENING_LIFETIME[verdict];
  return verdict === 'unanswered' && known?.verdict === 'listed'
    ? { verdict: 'listed', passes: false, until, settings }
    : { verdict, passes, until, settings };
};

/** The most ancestors that a chain of grants has. Every commit stores the account, so older results of others are dropped. */
const MAX_OTHERS = 3;

const withResult = (
  { account: self, screened: known = {} }: AccountState,
  account: AccountId,
  result: ScreeningResult,
  now: Seconds,
): ScreenedAccounts => {
  const others = Object.entries(known).filter(
    ([id, { until, verdict }]) =>
      id !== self && id !== account && (now < until || verdict === 'listed'),
  );
  const own = known[self];
  return Object.fromEntries([
    ...others.slice(account === self ? -MAX_OTHERS : 1 - MAX_OTHERS),
    ...(own === undefined || account === self ? [] : [[self, own] as const]),
    [account, result],
  ]);
};

/** A decision with entries that precede its own. A decision that stores nothing by itself stores them with the account. */
export const withEntries = <Verdict>(
  entries: readonly Entry[],
  decision: Decision<Verdict>,
): Decision<Verdict> => {
  if (entries.length === 0) return decision;
  return isDurable(decision)
    ? { ...decision, entries: [...entries, ...decision.entries] }
    : stored(decision.state, decision.verdict, entries);
};
