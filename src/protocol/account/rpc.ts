import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';
import type { SettlementResult } from '../payment.ts';
import type { FinishVerdict, LookUpVerdict, ReserveVerdict } from './call-verdict.ts';
import type { Call, Evidence, LookUp, Outcome } from './call.ts';
import type { CountedCommand, CommandCost } from './command-budget.ts';
import type { CommandVerdict } from './command-verdict.ts';
import type { AccountCommand, ChangedDocuments, DocumentType, KeptDocument } from './command.ts';
import type { RightsQuestion, RightsVerdict } from './rights.ts';
import type { EndedSessions, SessionEnd, SessionRequest, SessionVerdict } from './session.ts';
import type { Relation, StandingQuestion, StandingVerdict } from './standing.ts';
import type { EntryPage } from '../entry.ts';
import type { Children } from './grant.ts';
import type { LeaseRequest, LeaseVerdict, Recall, Returned, Shares } from './lease.ts';

export type Acknowledged = { readonly verdict: 'ok' } | { readonly verdict: 'unavailable' };

/** The payments that the account looks up again: not those that are settled, in progress, or pruned. */
export type Rechecked =
  | { readonly verdict: 'rechecking'; readonly calls: readonly Hex[] }
  | { readonly verdict: 'unavailable' };

/** D1 gets the entries up to `to` again; the account no longer stores the one after it, or has none. */
export type Resent =
  | { readonly verdict: 'resent'; readonly to: number }
  | { readonly verdict: 'unavailable' };

/** What a call asks of its account. */
export type Question =
  | readonly ['reserve', call: Call, attempt: Hex, evidence: Evidence]
  | readonly ['finish', call: Hex, attempt: Hex, outcome: Outcome];

/** `alone`: the decision needs other accounts, and must not delay the others. Nothing was decided: ask this question by itself. */
export type Decided = ReserveVerdict | FinishVerdict | { readonly verdict: 'alone' };

/** The RPC methods of an AgentAccount. */
export type AgentAccountRpc = {
  reserve(call: Call, attempt: Hex, evidence: Evidence): Promise<ReserveVerdict>;
  finish(call: Hex, attempt: Hex, outcome: Outcome): Promise<FinishVerdict>;
  /** Several of these two. The answers are in the order of the questions. */
  decide(questions: readonly Question[]): Promise<readonly Decided[]>;
  lookUp(question: LookUp): Promise<LookUpVerdict>;
  apply(command: AccountCommand): Promise<CommandVerdict>;
  countCommand(cost: CommandCost): Promise<CountedCommand>;
  lease(request: LeaseRequest): Promise<LeaseVerdict>;
  recall(recall: Recall): Promise<Returned>;
  report(recall: Recall): Promise<Returned>;
  giveBack(child: AccountId, branches: Readonly<Record<Hex, Shares>>): Promise<Acknowledged>;
  children(after: Hex | undefined, limit: number): Promise<Children>;
  standing(question: StandingQuestion): Promise<StandingVerdict>;
  rights(question: RightsQuestion): Promise<RightsVerdict>;
  relation(question: { readonly by: AccountId }): Promise<Relation>;
  document(type: DocumentType, name: string): Promise<KeptDocument>;
  /** `texts`: the name of a set of texts that the log of the account may have. */
  documentsSince(type: DocumentType, since: number, texts?: Hex): Promise<ChangedDocuments>;
  /** Waits for the next entry after `after`, at most `waitMs` (25 s). The account limits concurrent waits of one reader, `by`. */
  entries(after: number, waitMs: number, limit: number, by?: AccountId): Promise<EntryPage>;
  settled(results: readonly SettlementResult[]): Promise<Acknowledged>;
  /** Sends these payments to the settlement queue again, to be looked up on the chain. */
  recheck(calls: readonly Hex[]): Promise<Rechecked>;
  exported(seq: number): Promise<Acknowledged>;
  /** Sends entries from this seq on to the audit queue again, because D1 has lost them. */
  resend(from: number): Promise<Resent>;
  admitSession(request: SessionRequest): Promise<SessionVerdict>;
  endSession(end: SessionEnd): Promise<EndedSessions>;
};

/** Whether a call that asks for its first decision may be told to come again: nothing of it has run or moved yet. */
export const mayWait = ({ settlement }: Evidence): boolean => settlement === undefined;

/** Asks one question by itself. */
export const askAccount = (
  account: Pick<AgentAccountRpc, 'reserve' | 'finish'>,
  question: Question,
): Promise<ReserveVerdict | FinishVerdict> =>
  question[0] === 'reserve'
    ? account.reserve(question[1], question[2], question[3])
    : account.finish(question[1], question[2], question[3]);
