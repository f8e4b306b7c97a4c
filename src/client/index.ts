/** `countersign/client`: a `fetch` that pays within caps, and the accounts it signs with. */
export { createAgent, type Agent } from './agent.ts';
export { type AgentOptions, type SpendRules } from './agent-options.ts';
export type { Amount } from './agent-options.ts';
export type { CallRecord } from './call-record.ts';
export { hashDelegation, signDelegation, signRevocation } from './delegation.ts';
export type {
  AgentDelegation,
  AgentRevocation,
  DelegationBody,
  RevocationBody,
} from './delegation.ts';
export { CountersignError, type ErrorCode } from './errors.ts';
export { fleet, type Fleet } from './fleet.ts';
export type { AgentHooks, Offered, Retry, SignedCall } from './hooks.ts';
export type { Limit } from './limits.ts';
export { createManagement, type Management, type ManagementOptions } from './management.ts';
export type {
  AnswerOf,
  Answered,
  EntryEvent,
  EventsOptions,
  ItemOf,
  ListId,
  RequestOf,
  RouteId,
} from './management.ts';
export type { ProblemBody } from './problem-body.ts';
export type { Receipt } from './receipt.ts';
export { remoteAccount, type RemoteAccountOptions } from './remote-account.ts';
export type { AgentResponse, CallReport } from './call-report.ts';
export type { Signer } from './signer.ts';
export type { Spending } from './budget.ts';
export type { TypedData } from './typed-data.ts';
