import type { Seconds } from '../../core/clock.ts';
import { FREE, REPEAT, retryAfter, type Texts } from './problem-text.ts';

/** The state of a call whose proof is valid. */
export type CallReason =
  | { readonly reason: 'in_progress'; readonly retryAfter: Seconds }
  | { readonly reason: 'conflict' }
  /** `call`: the call id, which the payer can look up; absent if the signature gave a command. */
  | { readonly reason: 'already_used'; readonly call?: string }
  /** The account never made the call, has pruned it, or another account made it: the answer must not reveal which. */
  | { readonly reason: 'unknown_call' }
  /** The call needs a settlement first, and no backend can settle now. The account did not reserve the call. */
  | { readonly reason: 'settlement_unavailable'; readonly retryAfter: Seconds }
  /** A backend may hold the payment, and the chain does not show the outcome yet. */
  | { readonly reason: 'settlement_unknown'; readonly retryAfter: Seconds }
  /** The chain shows that the payment did not move and never will. `fault`: who caused that. */
  | { readonly reason: 'settlement_failed'; readonly fault: 'payer' | 'gateway' };

export const callTexts: Texts<CallReason> = {
  in_progress: (reason) => ({
    status: 409,
    title: 'Call in progress',
    detail:
      'This call is still running: the gateway is settling its payment, or the tool has not answered.',
    hint: REPEAT,
    headers: retryAfter(reason.retryAfter),
  }),
  conflict: () => ({
    status: 409,
    title: 'Proof used for another request',
    detail:
      'An earlier, different request carried this signature or its payment-identifier, and each of them buys one execution only.',
    hint: `Sign a new proof for this request, under a new payment-identifier. ${FREE}`,
  }),
  already_used: ({ call }) =>
    call === undefined
      ? {
          status: 409,
          title: 'Command already used',
          detail: 'The gateway has already carried out the one command that this signature gives.',
          hint: 'Read what the gateway stores now. To give the command again, sign a new intent.',
        }
      : {
          status: 409,
          title: 'Proof already used',
          detail: 'The call of this signature has ended. A signature buys one execution only.',
          hint:
            'To get the outcome, repeat the request with the Agent-Retry-Key of the intent or the payment-identifier of the first ' +
            `request, or send GET /calls/${call} with a new Agent-Intent of the payer. To run the tool again, sign a new proof under ` +
            'a new payment-identifier.',
        },
  unknown_call: () => ({
    status: 404,
    title: 'No such call',
    detail: 'The account that signed the request has no call with this id.',
    hint: 'Sign with the account that made the call, on the chain that it paid on. The gateway forgets a call some time after its payment settled.',
  }),
  settlement_unavailable: (reason) => ({
    status: 503,
    title: 'Settlement not possible now',
    detail: 'This call needs a settled payment first, and no settlement backend is available.',
    hint: `${REPEAT} The signature is still unused. ${FREE}`,
    headers: retryAfter(reason.retryAfter),
  }),
  settlement_unknown: (reason) => ({
    status: 503,
    title: 'Settlement not known yet',
    detail: 'The chain does not show yet whether the payment settles.',
    hint: `${REPEAT} Without either, the tool does not run, and a payment that settles becomes credit.`,
    headers: retryAfter(reason.retryAfter),
  }),
  settlement_failed: ({ fault }) =>
    fault === 'payer'
      ? {
          status: 403,
          title: 'Settlement failed',
          detail:
            'The payment cannot settle: the chain shows its nonce as used or cancelled, or the payer does not hold the amount. The tool did not run.',
          hint: 'Make sure that the account holds the price, then sign a new payment.',
          more: { retry_allowed: false },
        }
      : {
          status: 503,
          title: 'Settlement failed',
          detail:
            'The authorization expired before the gateway could settle it. The payment moved no money and never will. The tool did not run.',
          hint: 'Sign a new payment and send the request again.',
          headers: retryAfter(30),
        },
};
