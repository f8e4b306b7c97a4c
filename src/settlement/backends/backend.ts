import type { Clock, Seconds } from '../../core/clock.ts';
import type { Address, Hex } from '../../core/hex.ts';
import type { Network } from '../../protocol/account-id.ts';
import { bindingMarkOf } from '../../protocol/intent/binding.ts';
import type { Payment } from '../../protocol/payment.ts';
import type { Relay } from '../../protocol/relayer-contract.ts';
import type { Health, HealthSignal } from './health.ts';
import { isOnChain, type Observation } from '../chain/observation.ts';
import type { Emit } from '../telemetry.ts';

/**
 * Requests that an invocation may have open at once, to all hosts together (Cloudflare's limit of simultaneous connections). Further requests
 * queue inside the platform and time out there. A facilitator answers after it settled, so a presentation holds a connection for seconds.
 */
export const CONNECTIONS = 6;

/** Limits of one call of `present`. Times are milliseconds of the clock. */
export type PresentOptions = {
  /** How long to wait for a free place at the backend. */
  readonly waitMs: number;
  /** No presentation starts later. */
  readonly startBy: number;
  /** Every presentation has ended by then. */
  readonly endBy: number;
  /** `request`: a caller waits for the settlement, so a backend that batches sends at once. */
  readonly source: 'queue' | 'request';
  /** How many of `CONNECTIONS` may be used; absent: all. */
  readonly connections?: number;
  /** Further invocations, each with `CONNECTIONS` of its own; absent: none. */
  readonly invocations?: Invocations;
};

/**
 * Moves payments on one network: a facilitator, or the relayer. CONTRIBUTING.md has the recipe for a new kind.
 *
 * A backend's answer is a hint about which backend to try next and when to observe; what happened is what the chain shows (law 5). Every
 * backend withstands these races:
 * - **Two presentations of one payment.** Other isolates and other backends may present the same payment at the same moment. The nonce is
 *   used once, so that is safe; an answer like "nonce already used" must not count as a fault of the backend.
 * - **A lost answer.** A timeout, a broken connection or a 500 may follow a broadcast. The answer is then `unreachable`, never `declined`:
 *   `declined` lets the next backend present without a look at the chain.
 * - **A cancelled caller.** The runtime cancels a request when its client disconnects, also in the middle of `present`. Every place and
 *   probe that `present` occupies must expire by itself.
 * - **Many probes.** After a pause many requests find the backend due for a probe. One payment goes out, the others are `declined`.
 * - **Requests of one isolate.** A promise that one request created must not be awaited by another (Workers cancel its I/O). Share values
 *   only.
 */
export type Backend = {
  /** The host of a facilitator, or `relayer` and which key. Appears in logs, metrics and D1. */
  readonly name: string;
  readonly network: Network;
  /** Lower ranks are tried first; equal ranks in the order of the configuration. */
  readonly rank: number;
  /** How many payments it presents at once, given connections; more would wait for these. `Infinity` if one call takes them all. */
  readonly width: number;
  /** Whether each presentation holds one of `CONNECTIONS` until it has ended. */
  readonly usesConnections: boolean;
  /**
   * Whether it stores each payment that it takes and presents it until the payment ends. Such a payment stays with it over deliveries, and
   * its health does not wait for the chain.
   */
  readonly keepsPayments: boolean;
  readonly health: Health;
  /**
   * Whether it presents the payments of this payer: the keys of a relayer share the payers. A permit can be settled only by the account that
   * it names (`sender`), so only that account's backend presents it.
   */
  takes(payer: Address, sender?: Address): boolean;
  /** Whether it settles on its network, as far as this isolate knows. */
  supportsNetwork(): boolean;
  /** Refreshes the list of what it supports, if that is due. Takes at most two seconds and never throws. */
  refresh(): Promise<void>;
  /**
   * Presents payments in the given order, as many at once as its limits allow; during a probe, only the first. Never throws.
   *
   * @returns one answer per payment, in order.
   */
  present(
    payments: readonly Presentable[],
    options: PresentOptions,
  ): Promise<readonly BackendAnswer[]>;
};

/** One request to a facilitator, as it crosses into another invocation. */
export type SettleRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payment: Payment;
  readonly timeoutMs: number;
};

/** Sends requests, all at once. @returns one answer per request, in order. */
export type PostAll = (requests: readonly SettleRequest[]) => Promise<readonly BackendAnswer[]>;

/** The further invocations of the Worker that one batch of the queue may cause. */
export type Invocations = {
  readonly remaining: () => number;
  /** Whether the batch has taken them all. False if there are none or one was lost: then the batch presents over its own connections. */
  readonly isUsedUp: () => boolean;
  /** Takes one invocation; undefined if none remains. */
  readonly take: () => PostAll | undefined;
};

/** Why a payment was not presented if the backend had no place for it. */
export const BUSY = 'busy';

/** Why a payment has no answer if its invocation was lost. The facilitator is not at fault. */
export const INVOCATION_LOST = 'invocation_lost';

/** The parameters that every kind of backend needs. */
export type OpenContext = {
  readonly clock: Clock;
  readonly emit: Emit;
  /** Opens the health of a backend, which depends on whether another backend of the network works. */
  readonly openHealth: (network: Network, name: string) => Health;
};

/** A payment to present, with its account and call. */
export type Presentable = Relay;

/** A backend's answer about one payment. */
export type BackendAnswer =
  | { readonly kind: 'claimed_success'; readonly transaction: Hex }
  | { readonly kind: 'claimed_failure'; readonly reason: string }
  /** Broadcast, but not in a block yet. */
  | { readonly kind: 'pending'; readonly transaction?: Hex }
  /** The backend has stored the payment and presents it until it ends. `transaction`: already broadcast with it. */
  | { readonly kind: 'taken'; readonly transaction?: Hex }
  /** No readable answer. The payment may have been broadcast. */
  | { readonly kind: 'unreachable'; readonly why: string; readonly retryAfter?: Seconds }
  /** Certainly not presented: the next backend may be tried at once. `retryAfter`: no payment can use the backend before. */
  | { readonly kind: 'declined'; readonly why: string; readonly retryAfter?: Seconds };

/** Whether the backend is working on the payment: no other backend gets it for two blocks. */
export const isInHand = ({ kind }: BackendAnswer): boolean =>
  kind === 'claimed_success' || kind === 'pending' || kind === 'taken';

/** x402 error reasons that concern the payment, not the facilitator. */
const PAYER_REASONS =
  /^(insufficient_funds|refused|expired|permit2_(deadline_expired|insufficient_balance|allowance_required|invalid_(nonce|signature))|invalid_permit2_signature|invalid_exact_evm_(insufficient_balance|nonce_already_used|signature|payload_signature|failed_to_parse_signature|authorization_value|payload_authorization_(valid_(after|before)|value_mismatch)|payload_undeployed_smart_wallet)|eip6492_factory_not_allowed|smart_wallet_deployment_failed)$/;

/** Whether a facilitator's reason, or a revert that it quotes, states that `validAfter` is in the future. */
export const isNotYetValid = (reason: string): boolean =>
  /valid_?after|not[ _]?yet[ _]?valid/i.test(reason);

/**
 * Whether a backend calls a bound payment not valid yet. The mark in `validAfter` is a moment in 2005, before every chain, so the backend
 * is at fault and not the payer: another backend settles the payment.
 */
export const rejectsMark = (answer: BackendAnswer, { authorization }: Payment): boolean =>
  answer.kind === 'claimed_failure' &&
  isNotYetValid(answer.reason) &&
  bindingMarkOf(authorization.validAfter) !== 'none';

/** Whether the backend blames the payment itself: another backend would answer the same. */
export const blamesPayer = (answer: BackendAnswer, payment: Payment): boolean =>
  answer.kind === 'claimed_failure' &&
  PAYER_REASONS.test(answer.reason) &&
  !rejectsMark(answer, payment);

/** 65 bytes as hex: the signature of a key, and not of a contract. */
const KEY_SIGNATURE = 132;

/**
 * Derives the health signal of a backend from its answer and the observation after it.
 *
 * Attack: a payer makes its own payments fail to pause a backend for all payers. A claimed failure therefore counts against the backend
 * only if the chain shows that nothing was wrong with the payment: nonce unused, funds present, signed by a key.
 */
export const healthSignalOf = (
  answer: BackendAnswer,
  payment: Payment,
  after: Observation,
): HealthSignal => {
  if (isOnChain(after)) return answer.kind === 'claimed_failure' ? 'undecided' : 'success';
  if (answer.kind !== 'claimed_failure') return 'undecided';
  if (rejectsMark(answer, payment)) return 'fault';
  if (blamesPayer(answer, payment)) return 'success';
  const isPayable =
    after.kind === 'unused' &&
    after.balance >= (payment.charge ?? payment.authorization.value) &&
    payment.signature.length === KEY_SIGNATURE;
  return isPayable ? 'fault' : 'undecided';
};

/** The error that operators read: a kind or an x402 reason. Other text of a backend never gets into logs and D1. */
export const errorOf = (answer: BackendAnswer): string | undefined => {
  switch (answer.kind) {
    case 'claimed_success':
    case 'taken':
      return undefined;
    case 'pending':
      return 'settlement_pending';
    case 'claimed_failure':
      return /^[a-z][a-z0-9_]{2,63}$/.test(answer.reason) ? answer.reason : 'no_known_reason';
    case 'unreachable':
    case 'declined':
      return answer.why;
  }
};
