import type { FinishVerdict, Outcome } from '../protocol/account/finish.ts';
import type { StoredAnswer } from '../protocol/account/reserve.ts';
import { encodeBase64 } from '../crypto/bytes.ts';
import type { Dispatched } from './dispatch.ts';
import type { Gateway } from './gateway.ts';
import type { Reserved } from './reserve.ts';

/** A finish that did not arrive is sent again: it is idempotent by (call, attempt). */
const TRIES = 3;

/** Tells the account how the tool did, before anybody sees the answer (law 2): an answer that is not recorded is not given. */
export const finish = async (
  gateway: Gateway,
  { call, attempt }: Reserved,
  dispatched: Dispatched,
): Promise<FinishVerdict> => {
  const outcome = outcomeOf(dispatched);
  for (let tried = 1; ; tried += 1) {
    try {
      const verdict = await gateway.account(call.account).finish(call.call, attempt, outcome);
      if (verdict.verdict !== 'unavailable' || tried === TRIES) return verdict;
    } catch (cause) {
      console.error({ event: 'finish_failed', call: call.call, tried, cause: String(cause) });
      if (tried === TRIES) return { verdict: 'unavailable' };
    }
  }
};

/** Law 4: success is 2xx and a whole answer. A stream is judged at its headers. */
const outcomeOf = (dispatched: Dispatched): Outcome => {
  switch (dispatched.kind) {
    case 'failed':
      return { success: false, status: 0, digest: 'none', reason: failureOf(dispatched.reason) };
    case 'streaming': {
      const success = isSuccess(dispatched.status);
      return {
        success,
        status: dispatched.status,
        digest: 'streamed',
        reason: success ? 'answered' : 'upstream_status',
        ...amountOf(dispatched),
      };
    }
    case 'answered': {
      const success = isSuccess(dispatched.status);
      return {
        success,
        status: dispatched.status,
        digest: dispatched.digest,
        reason: success ? 'answered' : 'upstream_status',
        // Failures are free (law 4): an account's storage must not be filled for nothing.
        ...(success ? { answer: storedAnswer(dispatched) } : {}),
        ...amountOf(dispatched),
      };
    }
  }
};

const failureOf = (
  reason: Extract<Dispatched, { readonly kind: 'failed' }>['reason'],
): Outcome['reason'] => {
  switch (reason) {
    case 'payment':
    case 'encoding':
    case 'overcharge':
      return 'refused';
    case 'redirect':
    case 'timeout':
    case 'dropped':
    case 'truncated':
      return reason;
  }
};

const amountOf = ({
  charge,
}: Exclude<Dispatched, { readonly kind: 'failed' }>): Pick<Outcome, 'amount'> =>
  charge === undefined ? {} : { amount: charge };

/** Law 4: success is 2xx. */
export const isSuccess = (status: number): boolean => status >= 200 && status < 300;

const storedAnswer = (
  answered: Extract<Dispatched, { readonly kind: 'answered' }>,
): StoredAnswer => ({
  status: answered.status,
  headers: Object.fromEntries(answered.headers),
  body: encodeBase64(answered.body),
});
