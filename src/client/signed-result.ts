import type { AgentResponse } from './call-report.ts';
import type { ExchangeResult } from './exchange.ts';
import type { Proof } from './proof.ts';

/** The answer to a signed request, and its proof. */
export type SignedResult = {
  readonly response: AgentResponse;
  readonly proof: Proof;
  /** Whether the answer has ended, so that its charge is known. Otherwise the receipt at its end states the charge. */
  readonly isEnded: boolean;
};

/** `complete` finishes the answer to a signed request; `neverRan` releases its hold in the budget if the call ends without running. */
export type Completion = {
  readonly complete: (result: ExchangeResult) => Promise<SignedResult>;
  readonly neverRan?: () => void;
};
