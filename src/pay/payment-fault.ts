import type { CallReport } from '../client/call-report.ts';
import { CountersignError, type ErrorCode, type ProblemBody } from '../client/errors.ts';
import { shown } from '../dashboard/format/text.ts';

/** Why a person has no answer, in plain words. */
export type PaymentFault = {
  /**
   * `unpaid`: nothing was paid, and the person may try again. `unclear`: the call may have run. `credit`: the tool takes credit, and there
   * is too little.
   */
  readonly kind: 'unpaid' | 'unclear' | 'credit';
  readonly text: string;
  readonly hint: string;
};

/** What was about to be paid, for the words of a fault. */
export type Attempted = { readonly price: string; readonly network: string };

export const unpaid = (text: string, hint: string): PaymentFault => ({
  kind: 'unpaid',
  text,
  hint,
});

/** Puts what was thrown into words. @param isSigned whether the wallet had signed: then the signature may have left the page */
export const faultOf = (thrown: unknown, attempted: Attempted, isSigned: boolean): PaymentFault => {
  if (!(thrown instanceof CountersignError)) {
    return isSigned ? unclear() : walletFault(thrown, attempted);
  }
  const known = KNOWN[thrown.code];
  if (known !== undefined) return known(thrown, attempted);
  return isSigned ? unclear() : unpaid(`${thrown.message} Nothing was paid.`, thrown.hint);
};

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

const notApproved: Wording = ({ message, hint }) => unpaid(`${message} Nothing was paid.`, hint);

/** The errors of the client that have words of their own here. */
const KNOWN: Readonly<Partial<Record<ErrorCode, Wording>>> = {
  signer_failed: ({ cause }, attempted) => walletFault(cause, attempted),
  over_per_call: priceChanged,
  over_total: priceChanged,
  asset_not_allowed: notTaken,
  network_unsupported: notTaken,
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
  answer_lost: () => unclear(),
};

/** A top-up has no call to look up; the next call shows whether its credit arrived. */
export const unclearCredit = (): PaymentFault => ({
  kind: 'unclear',
  text: 'The answer did not arrive. You may have bought the credit.',
  hint: 'Make the call: if the credit has arrived, it pays for the call. Buy again only if the gateway still says that your credit does not cover the price.',
});

const unclear = (): PaymentFault => ({
  kind: 'unclear',
  text: 'The answer did not arrive. The call may have run, and may cost its price.',
  hint: 'Look up the payment before you pay again. Looking it up costs nothing.',
});

export const creditFault = (): PaymentFault => ({
  kind: 'credit',
  text: 'Your credit at this gateway does not cover the price. Nothing was paid.',
  hint: 'You pay for this tool from credit. Buy some first.',
});

const refusedFault = (message: string, { price, network }: Attempted): PaymentFault =>
  /insufficient/i.test(message)
    ? unpaid(
        `The wallet has too little USDC on ${network}. Nothing was paid.`,
        `It needs ${price}. Send USDC to it on ${network}, then try again.`,
      )
    : unpaid(
        `${message} Nothing was paid.`,
        'Reload the page and try again. If it happens again, tell the operator.',
      );

/** A refusal in the gateway's own words (RFC 9457). */
export const problemFault = (problem: ProblemBody | undefined, status: number): PaymentFault =>
  unpaid(
    `${shown(problem?.detail ?? problem?.title ?? `The gateway answered ${status}.`)} Nothing was paid.`,
    shown(problem?.hint ?? ''),
  );

/**
 * What a signed request without a receipt became. Only a refusal of the gateway itself, of the first attempt, reserved nothing: a repeat may
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
  return isFinal && attempts === 1 ? problemFault(problem, status) : unclear();
};

const OWN_PROBLEM = /^urn:countersign:problem:([a-z-]+)$/;
/** Answers of 503 after which the signature moves no money. */
const UNUSED: ReadonlySet<string> = new Set(['settlement-failed', 'misconfigured', 'paused']);

type WalletError = {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly data?: { readonly originalError?: { readonly code?: unknown } };
};

/** Some wallets wrap the error of another part of theirs in this one. */
const INTERNAL = -32_603;

/** The refusals of wallets (EIP-1193, EIP-1474, EIP-3085). */
const walletFault = (thrown: unknown, { network }: Attempted): PaymentFault => {
  const { code, message, data } = (thrown ?? {}) as WalletError;
  switch (code === INTERNAL ? (data?.originalError?.code ?? code) : code) {
    case 4001:
    case 'ACTION_REJECTED':
      return unpaid('You declined in the wallet. Nothing was paid.', '');
    case 4100:
      return unpaid(
        'The wallet does not let this page use the account. Nothing was paid.',
        'Connect the account in the wallet, then try again.',
      );
    case 4900:
    case 4901:
      return unpaid(
        'The wallet is not connected. Nothing was paid.',
        `Check its connection to ${network}, then try again.`,
      );
    case 4902:
      return unpaid(
        `The wallet does not know the network ${network}. Nothing was paid.`,
        `Add ${network} in the settings of the wallet, then try again.`,
      );
    case -32_002:
      return unpaid(
        'The wallet still has a request open. Nothing was paid.',
        'Open the wallet and answer it, then try again.',
      );
    default: {
      const said = typeof message === 'string' ? ` It says: ${shown(message).slice(0, 200)}` : '';
      return unpaid(
        `The wallet did not sign. Nothing was paid.${said}`,
        'Open the wallet, then try again.',
      );
    }
  }
};
