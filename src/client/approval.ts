import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AgentContext } from './context.ts';
import { CountersignError, isProblem, type ProblemBody } from './errors.ts';
import type { ExchangeResult } from './exchange.ts';
import { exchangeOrLook } from './exchange-or-look.ts';
import { notify, type WaitingCall } from './hooks.ts';
import { look } from './look.ts';
import type { Outgoing } from './outgoing.ts';
import { ApprovalRequired, type ResumeOptions } from './pending-approval.ts';
import { saveCall } from './saved-call.ts';
import type { Completion, SignedResult } from './signed-result.ts';
import type { Proof } from './proof.ts';

const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 30_000;
/** An hour: no gateway lets a call wait longer, whatever it states. */
const LONGEST_PARK: Seconds = 3_600;

/**
 * Continues a call that waits for a person, as the option `approval` of the agent says.
 *
 * @throws CountersignError `approval_required` for `return`; else as `PendingApproval.resume`
 */
export const continueApproval = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  result: ExchangeResult,
  completion: Completion,
): Promise<SignedResult> => {
  const { problem, response } = result;
  const expiresAt = endOf(problem, context.now());
  const waiting: WaitingCall = {
    call: proof.call,
    url: typeof problem?.['approval'] === 'string' ? problem['approval'] : '',
    expiresAt,
  };
  notify(() => context.hooks.onApproval?.(waiting));
  const wait = async ({ signal = outgoing.signal, pause }: ResumeOptions = {}) =>
    waitForPerson(
      context,
      signal === undefined ? outgoing : { ...outgoing, signal },
      { ...proof, until: expiresAt },
      completion,
      pause,
    );
  if (context.approval === 'wait') return await wait();
  let resumed: Promise<SignedResult> | undefined;
  throw new ApprovalRequired(response, problem, {
    ...waiting,
    save: () => saveCall(outgoing, proof, expiresAt),
    resume: async (options) => {
      resumed ??= wait(options).catch((cause: unknown) => {
        // An aborted wait has sent nothing that would stop a later wait.
        resumed = undefined;
        throw cause;
      });
      return (await resumed).response;
    },
  });
};

/** A server could name a time in the distant future. */
const endOf = (problem: ProblemBody | undefined, now: Seconds): Seconds => {
  const stated = problem?.['expires_at'];
  const latest = now + LONGEST_PARK;
  return typeof stated === 'number' && Number.isSafeInteger(stated)
    ? Math.min(stated, latest)
    : latest;
};

/** Asks until a person has decided, less often each time; then repeats the request, which runs it once. */
export const waitForPerson = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  { complete, neverRan }: Completion,
  pause: ResumeOptions['pause'] = context.sleep,
): Promise<SignedResult> => {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 1.5, LONGEST_WAIT_MS)) {
    const state = await stateOf(context, outgoing, proof.call);
    if (state === 'approved' || state === 'used') {
      const result = await exchangeOrLook(context, outgoing, proof, 1);
      // The person has withdrawn the approval between the look-up and the repeat.
      if (!isProblem(result.problem, 'approval-required')) return await complete(result);
      await result.response.body?.cancel().catch(() => undefined);
    }
    const isRefused = state === 'refused';
    if (isRefused || state === 'expired' || context.now() >= proof.until) {
      neverRan?.();
      throw new CountersignError(
        isRefused ? 'approval_refused' : 'approval_expired',
        isRefused
          ? `A person has refused the call ${proof.call}.`
          : `No person approved the call ${proof.call} in time.`,
        { call: proof.call },
      );
    }
    await pause(waitMs, outgoing.signal);
  }
};

/** The state of the approval; undefined if the gateway did not answer, which does not end the wait. */
const stateOf = async (
  context: AgentContext,
  { origin, signal }: Outgoing,
  call: Hex,
): Promise<string | undefined> => {
  signal?.throwIfAborted();
  try {
    const { approval } = await look(context, origin, call);
    return approval?.state;
  } catch (cause) {
    signal?.throwIfAborted();
    // The gateway has forgotten the call: it has ended long ago.
    return cause instanceof CountersignError && cause.code === 'unknown_call'
      ? 'expired'
      : undefined;
  }
};
