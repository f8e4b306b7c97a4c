import { encodeBase64 } from '../crypto/bytes.ts';
import type { FinishVerdict } from '../protocol/account/call-verdict.ts';
import type { Outcome, StoredAnswer } from '../protocol/account/call.ts';
import type { SettlementMode } from '../protocol/tool-terms.ts';
import type { Gateway } from './gateway.ts';
import {
  type Charge,
  type DispatchResult,
  MAX_WHOLE,
  type ReservedCall,
  type StreamingAnswer,
} from './paid-request.ts';

/** `finish` is idempotent by (call, attempt), so the gateway retries it. */
const TRIES = 3;

/** Reports the tool's result to the account, before the caller gets the answer: an answer that is not recorded is not sent (law 2). */
export const finish = async (
  gateway: Gateway,
  { call, attempt }: ReservedCall,
  outcome: Outcome,
): Promise<FinishVerdict> => {
  for (let tried = 1; ; tried += 1) {
    try {
      const verdict = await gateway.account(call.account).finish(call.id, attempt, outcome);
      if (verdict.verdict !== 'unavailable' || tried === TRIES) return verdict;
    } catch (cause) {
      console.error({ event: 'finish_failed', call: call.id, tried, cause: String(cause) });
      if (tried === TRIES) return { verdict: 'unavailable' };
    }
  }
};

/** Success is 2xx and a complete answer (law 4). */
export const outcomeOf = (
  dispatched: Exclude<DispatchResult, StreamingAnswer>,
  settlement: SettlementMode,
): Outcome => {
  switch (dispatched.kind) {
    case 'failed':
      // A merchant answers 402 for a declined card: nothing was charged.
      return settlement === 'card' && dispatched.reason === 'payment'
        ? { success: false, status: 402, digest: 'none', reason: 'upstream_status' }
        : {
            ...{ success: false, status: 0, digest: 'none', reason: failureOf(dispatched.reason) },
            ...amountOf('metered' in dispatched ? dispatched : {}),
          };
    case 'answered': {
      const success = isSuccess(dispatched.status);
      const { end } = dispatched;
      const ended = end === undefined || end === 'maximum' ? 'answered' : end;
      return {
        success,
        status: dispatched.status,
        digest: dispatched.digest,
        reason: success ? ended : 'upstream_status',
        // Failures are free (law 4), so storing their answers would fill the account's storage for free. A stored answer would not show
        // that it has no end.
        ...(success && end === undefined && dispatched.body.byteLength <= MAX_WHOLE
          ? { answer: storedAnswer(dispatched) }
          : {}),
        ...amountOf(dispatched),
      };
    }
  }
};

const failureOf = (
  reason: Extract<DispatchResult, { readonly kind: 'failed' }>['reason'],
): Outcome['reason'] => {
  switch (reason) {
    case 'payment':
    case 'encoding':
    case 'overcharge':
    case 'oversized':
    case 'malformed':
      return 'refused';
    case 'error':
      return 'upstream_status';
    case 'redirect':
    case 'timeout':
    case 'dropped':
    case 'truncated':
    case 'usage':
      return reason;
  }
};

export const amountOf = ({ charge, metered }: Charge): Pick<Outcome, 'amount' | 'metered'> => ({
  ...(charge === undefined ? {} : { amount: charge }),
  ...(metered === undefined ? {} : { metered }),
});

/** True for 2xx (law 4). */
export const isSuccess = (status: number): boolean => status >= 200 && status < 300;

const storedAnswer = (
  answered: Extract<DispatchResult, { readonly kind: 'answered' }>,
): StoredAnswer => ({
  status: answered.status,
  headers: answered.headers,
  body: encodeBase64(answered.body),
});
