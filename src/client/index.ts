/** `countersign/client`: a `fetch` that pays within caps, and the accounts it signs with. */
export { createAgent, type Agent } from './agent.ts';
export type { AgentOptions, Amount, SpendRules } from './agent-options.ts';
export type { AgentHooks, Offered, Retry, SignedCall, WaitingCall } from './hooks.ts';
export type { Spending } from './budget.ts';

export type { AgentReport, AgentResponse, CallReport, FinalReport, Limit } from './call-report.ts';
export type { AgentTool } from './mcp/tools.ts';
export type { McpClientInfo } from './mcp/connect.ts';
export type { CallRecord } from './call-record.ts';
export type { Receipt } from './verify-receipt.ts';
export { ApprovalRequired, type PendingApproval, type ResumeOptions } from './pending-approval.ts';
export { AnswerBrokenOff } from './answer-broken-off.ts';
export type { SavedCall } from './saved-call.ts';
export { CountersignError, type ErrorCode, type ProblemBody } from './errors.ts';

export { fleet, type Fleet } from './fleet.ts';
export { remoteAccount } from './remote-account.ts';
export type { RemoteAccount, RemoteAccountOptions } from './remote-signing.ts';
export { agentKey } from './agent-key.ts';
export type { AgentKey, PrivateAgentKey, PublicAgentKey } from './agent-key.ts';
export type { Signer, SigningContext, TypedData } from './signer.ts';

export { hashDelegation, signDelegation, signRevocation } from './delegation.ts';
export type {
  AgentDelegation,
  AgentRevocation,
  DelegationBody,
  RevocationBody,
} from './delegation.ts';

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
