import type { Hex } from '../../../src/core/hex.ts';
import type { Call, Evidence } from '../../../src/protocol/account/call.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/reserve.ts';
import type { Context } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import type { LeaseRequests } from '../tree/lease-requests.ts';
import type { Recalls } from '../tree/recalls.ts';
import { loadCall } from './call-noun.ts';
import { callNamed } from './identifier.ts';
import { NO_PROGRESS, type Progress } from './progress.ts';
import type { CallRecord } from './record.ts';
import { MOST_RECALLS, type Question, reserve } from './reserve.ts';

/** How often one call is decided again for what it learns; others may take each time what it waited for. */
const MOST_TRIES = 64;
/** After so many it waits a little each time, milliseconds: where two clocks differ, a window begins a moment later above. */
const HASTY_TRIES = 12;
const PAUSE_MS = 50;

/**
 * Decides a call, asking accounts above for shares of their limits and those below for what they do not use, until a decision needs
 * nothing more. Every answer is only news: each time the whole call is decided again, on what is true then (design §5).
 */
export const reserveCall = async (
  ledger: Ledger,
  requests: LeaseRequests,
  recalls: Recalls,
  call: Call,
  attempt: Hex,
  evidence: Evidence,
): Promise<ReserveVerdict> => {
  let progress: Progress = NO_PROGRESS;
  for (let tried = 0; tried < MOST_TRIES; tried += 1) {
    if (tried > HASTY_TRIES) await scheduler.wait(PAUSE_MS);
    const known = progress;
    const verdict = await ledger.submit<ReserveVerdict | Question>(
      (state, context) =>
        reserve(state, recordOf(call, context), call, attempt, evidence, known, context),
      { verdict: 'unavailable' },
    );
    if (verdict.verdict === 'look') {
      const reports = call.dryRun === true ? await recalls.reports() : [];
      if (call.dryRun !== true) await recalls.look();
      progress = { ...known, looked: true, reports };
    } else if (verdict.verdict === 'recall') {
      const asked = await recalls.round();
      // With nobody left to ask, another round would bring nothing.
      progress = { ...known, recalls: asked === 0 ? MOST_RECALLS : known.recalls + 1 };
    } else if (verdict.verdict === 'ask') {
      const { asks, asset } = verdict;
      const ask = call.dryRun === true ? requests.rehearse : requests.obtain;
      progress = await ask(known, asks, asset);
    } else return verdict;
  }
  return { verdict: 'unavailable' };
};

/**
 * What is known of a call. A payment-identifier leads to the call that it was first used for, whatever signature comes with it now;
 * looked up in the decision that reserves, so that two signatures under one identifier cannot both be new.
 */
const recordOf = (
  { call, identifier }: Call,
  { read }: Pick<Context, 'read'>,
): CallRecord | undefined => {
  const named = identifier === undefined ? undefined : callNamed(read, identifier);
  return (named === undefined ? undefined : loadCall(read, named)) ?? loadCall(read, call);
};
