import type { Relay } from '../../protocol/relayer-contract.ts';
import type { Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import { bindingMarkOf } from '../../protocol/intent/binding.ts';
import type { ChainView } from '../chain/observation.ts';
import type { Payment } from '../../protocol/payment.ts';

/** What a backend needs to move a payment, and whose it is. */
export type Presentable = Relay;

/** What a backend said. A hint for whom to ask next and when to look; what happened is what the chain says (law 5). */
export type Presented =
  | { readonly kind: 'claimed_success'; readonly transaction: Hex }
  | { readonly kind: 'claimed_failure'; readonly reason: string }
  /** Broadcast, not yet seen in a block. */
  | { readonly kind: 'pending'; readonly transaction?: Hex }
  /** Our own relayer has stored it, and sees to it. */
  | { readonly kind: 'taken' }
  /** No answer that can be read; the payment may have been broadcast all the same. */
  | { readonly kind: 'unreachable'; readonly why: string; readonly retryAfter?: Seconds }
  /** Surely not presented: the next one may be asked at once. `retryAfter`: of no use to anyone before. */
  | { readonly kind: 'declined'; readonly why: string; readonly retryAfter?: Seconds };

/** Whether a backend has it in hand: nobody else is asked for two blocks (design §6). */
export const isInHand = ({ kind }: Presented): boolean =>
  kind === 'claimed_success' || kind === 'pending' || kind === 'taken';

/** x402 reasons that speak of the payment, not of the facilitator (x402 facts 1.5). */
const PAYERS =
  /^(insufficient_funds|refused|expired|invalid_exact_evm_(insufficient_balance|nonce_already_used|signature|payload_signature|failed_to_parse_signature|authorization_value|payload_authorization_(valid_(after|before)|value_mismatch)|payload_undeployed_smart_wallet)|eip6492_factory_not_allowed|smart_wallet_deployment_failed)$/;

/** Whether a reason of a facilitator, or a revert that it quotes, means a `validAfter` that lies ahead. */
export const isNotYetValid = (reason: string): boolean =>
  /valid_?after|not[ _]?yet[ _]?valid/i.test(reason);

/**
 * Whether a backend calls a payment not valid yet that is marked as bound. The mark is a moment in 2005, before every chain, so the
 * fault is the backend's and never the payer's: another backend settles the payment.
 */
export const rejectsMark = (presented: Presented, { authorization }: Payment): boolean =>
  presented.kind === 'claimed_failure' &&
  isNotYetValid(presented.reason) &&
  bindingMarkOf(authorization.validAfter) !== 'none';

/** The payment is the trouble, it says: asking another one at once would hear the same. */
export const isPayersFault = (presented: Presented, payment: Payment): boolean =>
  presented.kind === 'claimed_failure' &&
  PAYERS.test(presented.reason) &&
  !rejectsMark(presented, payment);

/** What became of a presentation: for the health of who was asked. `open`: only later looks will say. */
export type Lesson = 'good' | 'fault' | 'open';

/** 65 bytes: a key's signature, and not a contract's. */
const KEY_SIGNATURE = 132;

/**
 * What an answer, and the chain after it, say of a backend. A payer must not be able to shut one out for everybody: a failure
 * that it claims counts against it only where the chain shows that nothing was wrong with the payment, so neither a nonce
 * that was cancelled or used meanwhile, nor money that was moved away, nor a contract that changes its mind does.
 */
export const lessonOf = (presented: Presented, payment: Payment, after: ChainView): Lesson => {
  if (isOnChain(after)) return presented.kind === 'claimed_failure' ? 'open' : 'good';
  if (presented.kind !== 'claimed_failure') return 'open';
  if (rejectsMark(presented, payment)) return 'fault';
  if (isPayersFault(presented, payment)) return 'good';
  const isFine =
    after.view === 'unused' &&
    after.balance >= payment.authorization.value &&
    payment.signature.length === KEY_SIGNATURE;
  return isFine ? 'fault' : 'open';
};

export const isOnChain = ({ view }: ChainView): boolean =>
  view === 'settled' || view === 'unconfirmed';

/** What went wrong, as operators read it: a kind or an x402 reason, never what a backend wrote beyond that. */
export const errorOf = (presented: Presented): string | undefined => {
  switch (presented.kind) {
    case 'claimed_success':
    case 'taken':
      return undefined;
    case 'pending':
      return 'settlement_pending';
    case 'claimed_failure':
      return /^[a-z][a-z0-9_]{2,63}$/.test(presented.reason) ? presented.reason : 'no_known_reason';
    case 'unreachable':
    case 'declined':
      return presented.why;
  }
};
