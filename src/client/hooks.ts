import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { Requirement } from '../protocol/x402/requirement.ts';
import type { Hold } from './budget.ts';
import type { CallReport } from './call-report.ts';
import { CountersignError } from './errors.ts';
import type { Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import { race } from './transport.ts';

/** The payment or intent that the agent is about to sign. */
export type Offered = {
  readonly url: string;
  readonly method: string;
  /** The chosen entry of the offer. `requirement.amount` in atomic units (USDC: millionths of a dollar). */
  readonly requirement: Requirement;
  /** `card`: a card of the operator; the asset of `requirement` is then the address of the currency, `0x…0348`. */
  readonly paysFrom: 'payment' | 'credit' | 'card';
  /** `intent`: the signature is bound to exactly this request. */
  readonly binding: 'none' | 'intent';
};

/** A signed payment or intent, without its signature. */
export type SignedCall = {
  readonly url: string;
  /** Call id: the argument for `Agent.look`. */
  readonly call: Hex;
  readonly pays: 'none' | 'payment' | 'credit' | 'card';
  /** The most that the signature can cost, in atomic units. */
  readonly amount: bigint;
};

/** A repeat of the same request with the same signature. */
export type Retry = {
  readonly call: Hex;
  /** 2 for the first repeat. */
  readonly attempt: number;
  /**
   * `no_answer`: the connection broke or timed out. `not_known_yet`: the gateway does not know the outcome yet. `already_used`: a
   * proxy repeated the first attempt, and the repeat got the answer.
   */
  readonly why: 'no_answer' | 'not_known_yet' | 'already_used';
  /** Pause before the repeat, in milliseconds. */
  readonly waitMs: number;
};

/** A call that waits for the approval of a person at the gateway. */
export type WaitingCall = {
  readonly call: Hex;
  /** The URL that shows how the person decided, as the gateway states it. */
  readonly url: string;
  /** Until when the person may approve the call, and the agent run it: Unix seconds. */
  readonly expiresAt: Seconds;
};

/** Callbacks that observe a call, or stop it before it costs anything. */
export type AgentHooks = {
  /** Runs before the agent signs. `false` or an exception stops the call with the error `vetoed`; the call spends nothing. */
  readonly onOffer?: (offered: Offered) => unknown;
  /** Runs after signing, before sending. An exception stops the call with the error `vetoed`; the call spends nothing. */
  readonly onSign?: (signed: SignedCall) => unknown;
  /** Runs after the answer. The agent ignores exceptions, so that a hook cannot lose a paid answer. */
  readonly onAnswer?: (report: CallReport, response: Response) => unknown;
  /** Runs when a call waits for the approval of a person, once. The agent ignores exceptions. */
  readonly onApproval?: (waiting: WaitingCall) => unknown;
  /** Runs before each repeat. The agent ignores exceptions. */
  readonly onRetry?: (retry: Retry) => unknown;
};

/** Runs a hook that observes only. Its failure must not cost the caller an answer that is already paid. */
export const notify = (hook: () => unknown): void => {
  try {
    void Promise.resolve(hook()).catch(() => undefined);
  } catch {
    // AgentHooks documents that the agent ignores these exceptions.
  }
};

/** The signature that the agent is about to make. */
type SigningRequest = {
  /** Absent if the call cannot cost anything. */
  readonly offered?: Omit<Offered, 'url' | 'method'>;
  readonly sign: () => Promise<Proof>;
};

/**
 * Runs the hooks and signs. The request has not left the client yet, so any failure here returns the amount to the budget.
 *
 * @throws CountersignError `vetoed`, `signer_failed`; the caller's own abort reason
 */
export const consent = async (
  { hooks }: { readonly hooks: AgentHooks },
  { url, method, signal }: Outgoing,
  hold: Pick<Hold, 'giveBack'> | undefined,
  { offered, sign }: SigningRequest,
): Promise<Proof> => {
  // A wallet or a hook may wait for a person without end. The caller may abort; the client then discards a later signature.
  const untilAborted = async <T>(work: () => Promise<T>): Promise<T> =>
    signal === undefined ? await work() : await race(signal, work);
  try {
    if (offered !== undefined) {
      const verdict = await untilAborted(async () =>
        vetoable(async () => await hooks.onOffer?.({ url, method, ...offered })),
      );
      if (verdict === false)
        throw new CountersignError('vetoed', 'The hook onOffer returned false.');
    }
    signal?.throwIfAborted();
    const proof = await untilAborted(sign);
    const { call, pays, amount } = proof;
    await untilAborted(async () =>
      vetoable(async () => await hooks.onSign?.({ url, call, pays, amount })),
    );
    signal?.throwIfAborted();
    return proof;
  } catch (cause) {
    hold?.giveBack();
    throw cause;
  }
};

const vetoable = async (hook: () => Promise<unknown>): Promise<unknown> => {
  try {
    return await hook();
  } catch (cause) {
    throw new CountersignError('vetoed', 'A hook threw an exception.', { cause });
  }
};
