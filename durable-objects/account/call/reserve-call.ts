import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Call, Evidence } from '../../../src/protocol/account/call.ts';
import type { CommandCost } from '../../../src/protocol/account/command-budget.ts';
import type { Ledger } from '../ledger.ts';
import type { LeaseRequests } from '../tree/lease-requests.ts';
import type { Recalls } from '../tree/recalls.ts';
import { recordOf } from './stored-call.ts';
import { MAX_RECALLS, NO_PROGRESS, type Progress, type TreeRequest } from './progress.ts';
import { reserve } from './reserve.ts';
import { keepScreeningCode } from './screening-code.ts';
import { loadLazy } from '../lazy.ts';
import type { AgentAccountRpc } from '../../../src/protocol/account/rpc.ts';

/** How often one call may be decided: each time, concurrent calls may take the amount that it waited for. */
const MAX_TRIES = 64;
/**
 * After this many decisions the call waits a little each time, milliseconds: if two clocks differ, an ancestor's window begins a moment
 * later.
 */
const HASTY_TRIES = 12;
const PAUSE_MS = 50;

/** What a decision may request beyond the account's own state. */
export type ReserveServices = {
  readonly ledger: Ledger;
  readonly peers: (account: AccountId) => Pick<AgentAccountRpc, 'countCommand'>;
  readonly requests: LeaseRequests;
  readonly loadRecalls: () => Promise<Recalls | undefined>;
};

/**
 * Decides a call. Requests shares of ancestors' limits and recalls unused shares of descendants until a decision needs no more of them. An
 * answer decides nothing by itself: after each one the account decides the whole call again, on its state at that moment.
 */
export const reserveCall = async (
  { ledger, peers, requests, loadRecalls }: ReserveServices,
  call: Call,
  attempt: Hex,
  evidence: Evidence,
): Promise<ReserveVerdict> => {
  let progress: Progress = NO_PROGRESS;
  let decide = reserve;
  for (let tried = 0; tried < MAX_TRIES; tried += 1) {
    if (tried > HASTY_TRIES) await scheduler.wait(PAUSE_MS);
    const known = progress;
    const verdict = await decideCall(ledger, call, attempt, evidence, known, decide);
    if (verdict.verdict === 'report') {
      const recalls = await loadRecalls();
      if (recalls === undefined) return { verdict: 'unavailable' };
      const reports = call.dryRun === true ? await recalls.reports() : [];
      if (call.dryRun !== true) await recalls.takeReports();
      progress = { ...known, descendantsReported: true, reports };
    } else if (verdict.verdict === 'recall') {
      const recalls = await loadRecalls();
      if (recalls === undefined) return { verdict: 'unavailable' };
      const recalled = await recalls.round();
      // No descendant received a recall, so another round would return nothing.
      progress = { ...known, recalls: recalled === 0 ? MAX_RECALLS : known.recalls + 1 };
    } else if (verdict.verdict === 'lease') {
      const { needs, asset } = verdict;
      const obtain = call.dryRun === true ? requests.rehearse : requests.obtain;
      progress = await obtain(known, needs, asset);
    } else if (verdict.verdict === 'parking') {
      const management = await loadLazy();
      if (management === undefined) return { verdict: 'unavailable' };
      decide = management.reserveWithApproval;
    } else if (verdict.verdict === 'screening') {
      const management = await loadLazy();
      if (management === undefined) return { verdict: 'unavailable' };
      keepScreeningCode(management.SCREENING);
    } else if (verdict.verdict === 'count') {
      const { to, budget, bytes, id } = verdict;
      const counted = await countAtRoot(peers, to, { budget, bytes, id });
      if (counted === undefined) return { verdict: 'unavailable' };
      progress = { ...known, counted };
    } else return verdict;
  }
  return { verdict: 'unavailable' };
};

/** Decides a call once, on what is known of other accounts. */
export const decideCall = (
  ledger: Ledger,
  call: Call,
  attempt: Hex,
  evidence: Evidence,
  progress: Progress = NO_PROGRESS,
  decide = reserve,
): Promise<ReserveVerdict | TreeRequest> =>
  ledger.submit<ReserveVerdict | TreeRequest>(
    (state, context) =>
      decide({
        ...{ state, call, attempt, evidence, context, progress },
        record: recordOf(call, context.read),
      }),
    { verdict: 'unavailable' },
  );

/** Counts a parked call at the root of its tree; undefined if that does not answer. */
const countAtRoot = async (
  peers: (account: AccountId) => Pick<AgentAccountRpc, 'countCommand'>,
  root: AccountId,
  cost: CommandCost,
): Promise<Progress['counted']> => {
  try {
    const counted = await peers(root).countCommand(cost);
    if (counted.verdict === 'counted') return true;
    return counted.verdict === 'refused' ? { retryAfter: counted.fault.retryAfter } : undefined;
  } catch (cause) {
    console.error({ event: 'count_failed', account: root, cause: String(cause) });
    return undefined;
  }
};
