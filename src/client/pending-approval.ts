import type { AgentResponse } from './call-report.ts';
import { CountersignError, type ProblemBody } from './errors.ts';
import type { WaitingCall } from './hooks.ts';
import type { SavedCall } from './saved-call.ts';

/** A call that waits for a person. The gateway holds its amount, which counts once in the budget of the agent. */
export type PendingApproval = WaitingCall & {
  /** The call as JSON, with which `Agent.resume` continues it in another process. Holds the secret that runs it: store it like a key. */
  save(): SavedCall;
  /**
   * Waits until a person has decided, then sends the same request with its retry key. It runs the call once, however often it is called.
   * For a call over MCP, the body of the answer is the JSON-RPC response.
   *
   * @throws CountersignError `approval_refused`, `approval_expired`, `answer_lost`; the caller's own abort reason
   */
  resume(options?: ResumeOptions): Promise<AgentResponse>;
};

/** How `resume` waits. */
export type ResumeOptions = {
  readonly signal?: AbortSignal;
  /** Sleeps between two questions to the gateway. Default: for as long as the client proposes, 2 s at first and 30 s at most. */
  readonly pause?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
};

/** The error `approval_required`: a person must approve the call. `approval.resume()` continues it. */
export class ApprovalRequired extends CountersignError {
  readonly approval: PendingApproval;

  constructor(
    response: Response | undefined,
    problem: ProblemBody | undefined,
    approval: PendingApproval,
  ) {
    const { call } = approval;
    super(
      'approval_required',
      `A person must approve the call ${call}, which waits at the gateway.`,
      { call, ...(response && { response }), ...(problem && { problem }) },
    );
    this.approval = approval;
  }
}
