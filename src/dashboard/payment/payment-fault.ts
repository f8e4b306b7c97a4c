import type { CallReport } from '../../client/call-report.ts';
import { CountersignError, type ErrorCode, type ProblemBody } from '../../client/errors.ts';
import type { Address } from '../../core/hex.ts';
import { errorHint } from '../format/error-hint.ts';
import { pageHint } from '../format/page-hint.ts';
import { shown } from '../format/text.ts';
import { walletRefusal } from '../session/wallet-refusal.ts';

/** Why a person has no answer, in plain words. */
export type PaymentFault = {
  /**
   * `unpaid`: nothing was paid, and the person may try again. `unclear`: the call may have run. `credit`: the tool takes credit, and there
   * is too little. `purchase`: credit may have been bought; buying again repeats that purchase. `ended`: no more money moves, and the text
   * reports the money that did.
   */
  readonly kind: 'unpaid' | 'unclear' | 'credit' | 'purchase' | 'ended';
  readonly text: string;
  readonly hint: string;
  /** The account that the wallet is on, if the page showed another one. */
  readonly payer?: Address;
};

/** The subject of a payment, for the message of a fault. */
export type Attempted = { readonly price: string; readonly network: string };

/** A fault after which nothing was paid. */
export const unpaid = (text: string, hint: string): PaymentFault => ({
  kind: 'unpaid',
  text,
  hint,
});

/** A fault of a payment that is over, but may have moved money before. */
export const ended = (text: string, hint: string): PaymentFault => ({ kind: 'ended', text, hint });

/** Turns a thrown error into words. @param isSigned whether the wallet had signed: then the signature may have left the page */
export const faultOf = (thrown: unknown, attempted: Attempted, isSigned: boolean): PaymentFault => {
  if (!(thrown instanceof CountersignError)) {
    return isSigned ? unclear() : walletFault(thrown, attempted);
  }
  const known = isSigned && !REFUSALS.has(thrown.code) ? undefined : KNOWN[thrown.code];
  if (known !== undefined) return known(thrown, attempted);
  return isSigned ? unclear() : unpaid(`${thrown.message} Nothing was paid.`, errorHint(thrown));
};

/** The signature has left the page: until it expires, only the gateway knows the outcome. */
const SAYS_UNPAID = 'The gateway says that nothing was paid.';

type Wording = (thrown: CountersignError, attempted: Attempted) => PaymentFault;

const priceChanged: Wording = ({ message }) =>
  unpaid(
    `The price has changed: ${message} Nothing was paid.`,
    'Reload the page to see the new price.',
  );

const notTaken: Wording = (_, { network }) =>
  unpaid(
    `The gateway no longer takes payments on ${network}. Nothing was paid.`,
    'Reload the page to see which networks it takes.',
  );

const otherPayee: Wording = ({ message }) =>
  unpaid(
    `The gateway names another payee than this page showed: ${message} Nothing was paid.`,
    'Reload the page, and compare the payee. If you do not know the new one, ask the operator.',
  );

const unbound: Wording = () =>
  unpaid(
    'The gateway does not bind payments to what they buy. Nothing was paid.',
    'Tell the operator: the offer lacks the extension agent-intent.',
  );

const notApproved: Wording = (thrown) =>
  unpaid(`${thrown.message} ${SAYS_UNPAID}`, errorHint(thrown));

/** The errors of the client that have words of their own here. */
const KNOWN: Readonly<Partial<Record<ErrorCode, Wording>>> = {
  signer_failed: ({ cause }, attempted) => walletFault(cause, attempted),
  over_per_call: priceChanged,
  over_total: priceChanged,
  asset_not_allowed: notTaken,
  network_unsupported: notTaken,
  payee_not_allowed: otherPayee,
  binding_unavailable: unbound,
  unreachable: () =>
    unpaid(
      'The gateway did not answer. Nothing was paid.',
      'Check the connection, then try again.',
    ),
  payment_refused: ({ message }, attempted) => refusedFault(message, attempted),
  credit_refused: () => creditFault(),
  approval_refused: notApproved,
  approval_expired: notApproved,
  audience_mismatch: ({ message }) =>
    unpaid(`${message} Nothing was paid.`, 'Open the gateway at its own address to pay there.'),
};

/** Only these errors mean that the gateway refused the signed request. Any other error leaves the outcome open. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  ...(['payment_refused', 'credit_refused', 'approval_refused', 'approval_expired'] as const),
]);

/** The signature has left the page, and no answer shows the outcome. */
export const unclear = (): PaymentFault => ({
  kind: 'unclear',
  text: 'The answer did not arrive. The call may have run, and may cost its price.',
  hint: 'Look up the payment before you pay again. Looking it up costs nothing.',
});

/** The tool takes credit, and there is too little. */
export const creditFault = (): PaymentFault => ({
  kind: 'credit',
  text: 'Your credit at this gateway does not cover the price. Nothing was paid.',
  hint: 'You pay for this tool from credit. Buy some first: the money moves at once, and what you do not spend stays your credit here.',
});

const refusedFault = (message: string, { price, network }: Attempted): PaymentFault =>
  /insufficient/i.test(message)
    ? unpaid(
        `The gateway refused the payment: the wallet has too little USDC on ${network}. ${SAYS_UNPAID}`,
        `It needs ${price}. Send USDC to it on ${network}, then try again.`,
      )
    : unpaid(
        `${message} ${SAYS_UNPAID}`,
        'Reload the page and try again. If it happens again, tell the operator.',
      );

/** A refusal in the gateway's own words (RFC 9457). */
export const detailOf = (problem: ProblemBody | undefined, status: number): string =>
  shown(problem?.detail ?? problem?.title ?? `The gateway answered ${status}.`);

/** The refusal of a request without a signature. */
export const problemFault = (problem: ProblemBody | undefined, status: number): PaymentFault =>
  unpaid(
    `${detailOf(problem, status)} Nothing was paid.`,
    problem === undefined ? '' : pageHint(problem),
  );

/**
 * The outcome of a signed request without a receipt. Only a refusal of the gateway itself, of the first attempt, reserved nothing: a repeat may
 * meet the call of an attempt whose answer was lost, and a proxy may give up while the call runs. A person who reads that nothing was paid
 * pays again.
 */
export const refusalFault = (
  { problem, attempts }: Pick<CallReport, 'problem' | 'attempts'>,
  status: number,
): PaymentFault => {
  const [, name = ''] = OWN_PROBLEM.exec(problem?.type ?? '') ?? [];
  const isFinal =
    (status >= 400 && status < 500 && status !== 409 && name !== '') || UNUSED.has(name);
  return isFinal && attempts === 1 && problem !== undefined
    ? unpaid(`${detailOf(problem, status)} ${SAYS_UNPAID}`, pageHint(problem))
    : unclear();
};

const OWN_PROBLEM = /^urn:countersign:problem:([a-z-]+)$/;
/** Answers of 503 after which the signature moves no money. */
const UNUSED: ReadonlySet<string> = new Set(['settlement-failed', 'misconfigured', 'paused']);

const walletFault = (thrown: unknown, { network }: Attempted): PaymentFault => {
  const { text, hint } = walletRefusal(thrown, network);
  return unpaid(`${text} Nothing was paid.`, hint);
};
