import type { Seconds } from '../../core/clock.ts';
import type { Parked } from '../account/call-verdict.ts';
import { formatDollars } from '../amount.ts';
import { FREE, REPEAT, retryAfter, type Texts } from './problem-text.ts';
import { RELOAD, TRY_AGAIN, type Words } from './words.ts';

/** The state of a call whose proof is valid. */
export type CallReason =
  | { readonly reason: 'in_progress'; readonly retryAfter: Seconds }
  | { readonly reason: 'conflict' }
  /** `call`: the call id, which the payer can look up; absent if the signature gave a command. */
  | { readonly reason: 'already_used'; readonly call?: string }
  /** A person must approve the call. The account holds its amount until `parked.until`; nothing has run. */
  | {
      readonly reason: 'approval_required';
      /** URL that answers how the person decided. */
      readonly approval: string;
      readonly parked: Parked;
      readonly tool: string;
      /** Atomic units. */
      readonly price: bigint;
    }
  /** The account never made the call, has pruned it, or another account made it: the answer must not reveal which. */
  | { readonly reason: 'unknown_call' }
  /** The call needs a settlement first, and no backend can settle now. The account did not reserve the call. */
  | { readonly reason: 'settlement_unavailable'; readonly retryAfter: Seconds }
  /** More calls wait for a decision than are taken at once, of this account or of all. The account did not reserve the call. */
  | { readonly reason: 'busy' }
  /** A backend may hold the payment, and the chain does not show the outcome yet. */
  | { readonly reason: 'settlement_unknown'; readonly retryAfter: Seconds }
  /** The chain shows that the payment did not move and never will. `fault`: who caused that. */
  | { readonly reason: 'settlement_failed'; readonly fault: 'payer' | 'gateway' };

/** How soon a refused call may come again, seconds: by then, all that waited have been decided. */
const BUSY_PAUSE: Seconds = 1;

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
  approval_required: ({ approval, parked, tool, price }) => ({
    status: 403,
    title: 'Approval required',
    detail:
      parked.state === 'approved'
        ? `A person has approved this call of ${formatDollars(price)}, and only its caller's repeat runs it.`
        : `A policy makes calls above ${formatDollars(parked.above)} wait for a person, and this one costs ${formatDollars(price)}. The gateway holds the amount; nothing has run and no money has moved.`,
    hint:
      'Ask GET `approval` with an Agent-Intent of the same account, at most once in `retry_after` seconds. Once `approval.state` in its answer is approved, ' +
      'send the same request with the same proof and its Agent-Retry-Key again, before `expires_at`. Do not sign a new proof: it would be another call.',
    more: {
      approval,
      approval_state: parked.state,
      expires_at: parked.until,
      account: parked.asked,
      above: parked.above.toString(),
      tool,
      price: price.toString(),
      retry_allowed: true,
      policy: parked.policy,
    },
    headers: retryAfter(parked.retryAfter),
  }),
  unknown_call: () => ({
    status: 404,
    title: 'No such call',
    detail: 'The account that signed the request has no call with this id.',
    hint: 'Sign with the account that made the call, on the chain that it paid on. The gateway forgets a call some time after its payment settled.',
  }),
  settlement_unavailable: (reason) => ({
    status: 503,
    final: false,
    title: 'Settlement not possible now',
    detail: 'This call needs a settled payment first, and no settlement backend is available.',
    hint: `${REPEAT} The signature is still unused. ${FREE}`,
    headers: retryAfter(reason.retryAfter),
  }),
  busy: () => ({
    status: 503,
    final: false,
    title: 'Busy',
    detail:
      'More calls wait for a decision than the gateway takes at once, of this account or of all.',
    hint: `${REPEAT} The signature is still unused. ${FREE}`,
    headers: retryAfter(BUSY_PAUSE),
  }),
  settlement_unknown: (reason) => ({
    status: 503,
    final: false,
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
          final: true,
          title: 'Settlement failed',
          detail:
            'The authorization expired before the gateway could settle it. The payment moved no money and never will. The tool did not run.',
          hint: 'Sign a new payment and send the request again.',
          headers: retryAfter(30),
        },
};

export const callWords: Words<CallReason> = {
  in_progress: { page: (_, wait) => `${wait}, then look again: the call is still running.` },
  conflict: RELOAD,
  already_used: { page: 'Reload the page to see what was done, before you do it again.' },
  approval_required: {
    page: 'Somebody has to approve this call first. Leave the page open: it continues by itself.',
    command:
      'Its owner decides: `countersign approvals list`, then `countersign approvals approve <account> <call>`.',
  },
  unknown_call: {
    page: 'Check the address of the page. The gateway forgets a call some time after its payment settled.',
    command: '`countersign calls list --account <account>` lists the calls of an account.',
  },
  settlement_unavailable: TRY_AGAIN,
  busy: TRY_AGAIN,
  settlement_unknown: {
    page: (_, wait) => `${wait}, then look at the payment before you pay again.`,
  },
  settlement_failed: { page: 'Make sure that the wallet holds the price, then try again.' },
};
