import { memoize } from '../core/bounded-map.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId, AssetId } from '../protocol/account-id.ts';
import type { FinishVerdict, ReserveVerdict } from '../protocol/account/call-verdict.ts';
import type { LimitState } from '../protocol/account/denial.ts';
import { RECEIPT_TYPE, type ReceiptClaims } from '../protocol/receipt.ts';
import {
  acceptedPayment,
  creditedPayment,
  type PaidCall,
  type PaymentResponse,
  paymentResponseHeader,
  refusedPayment,
  settledPayment,
} from '../protocol/x402/payment-response.ts';
import { isSuccess } from './finish.ts';
import type { Gateway } from './gateway.ts';
import type { CheckedProof } from './paid-request.ts';

/**
 * A paid or signed answer belongs to its payer: no cache may keep it (law 10). In lower case like the names of a tool's headers: a record with
 * both spellings would send the header twice.
 */
export const PRIVATE = { 'cache-control': 'private, no-store' } as const;

/** The call of a receipt: reserved just now, or a past call as its account reports it. */
type ReceiptCall = {
  readonly audience: string;
  readonly account: AccountId;
  readonly tool: string;
  readonly call: Hex;
  readonly request: Hex;
  readonly asset: AssetId;
};

/** The end of the call, as its account reports it, with the tool's status and the digest of its answer. */
type ReceiptOutcome = {
  readonly binding: ReceiptClaims['binding'];
  readonly charged: bigint;
  readonly refunded?: bigint;
  readonly entry: Hex;
  readonly policy: Hex;
  readonly status: number;
  readonly response: ReceiptClaims['response'];
  readonly end?: ReceiptClaims['end'];
  readonly usage?: ReceiptClaims['usage'];
  readonly basis?: ReceiptClaims['basis'];
};

/** Signs the header `Agent-Receipt`: the gateway's statement about an ended call. */
export const receiptHeader = (
  { signer }: Gateway,
  call: ReceiptCall,
  outcome: ReceiptOutcome,
): { readonly 'Agent-Receipt': string } => {
  const claims: ReceiptClaims = {
    iss: call.audience,
    agent: call.account,
    tool: call.tool,
    call: call.call,
    request: call.request,
    binding: outcome.binding,
    charged: outcome.charged.toString(),
    ...(outcome.refunded === undefined ? {} : { refunded: outcome.refunded.toString() }),
    asset: call.asset,
    status: outcome.status,
    response: outcome.response,
    ...(outcome.end === undefined ? {} : { end: outcome.end }),
    ...(outcome.usage === undefined ? {} : { usage: outcome.usage }),
    ...(outcome.basis === undefined ? {} : { basis: outcome.basis }),
    entry: outcome.entry,
    policy: outcome.policy,
    iat: nowSeconds(),
  };
  return { 'Agent-Receipt': signer.sign(claims, RECEIPT_TYPE) };
};

/** How a call ended: just now, or earlier, as the account stored it. */
type Ended =
  | Extract<FinishVerdict, { readonly verdict: 'finished' }>
  | Extract<ReserveVerdict, { readonly verdict: 'stored' }>;

/** How a call was paid. `status`: the tool's HTTP status, 0 without an answer. `price`: the reserved amount. */
type PaidOutcome = Pick<Ended, 'charged' | 'paidFrom' | 'payment' | 'transaction'> & {
  readonly status: number;
  readonly price: bigint;
};

/** Builds the payment response header in the client's own x402 version; none for a call without a payment. */
export const paymentHeader = (
  checked: CheckedProof,
  outcome: PaidOutcome,
): Record<string, string> => {
  if (checked.kind !== 'payment') return {};
  const paid: PaidCall = {
    payer: checked.payer,
    network: checked.network,
    amount: outcome.charged,
    call: checked.call,
  };
  const [name, value] = paymentResponseHeader(checked.version, responseOf(paid, outcome));
  return { [name]: value };
};

const responseOf = (
  paid: PaidCall,
  { paidFrom, charged, payment, transaction, status, price }: PaidOutcome,
): PaymentResponse => {
  if (paidFrom === 'credit') {
    // A tool of variable price may succeed and charge nothing.
    return charged > 0n || isSuccess(status)
      ? creditedPayment(paid)
      : refusedPayment(paid, 'tool_failed');
  }
  if (payment === 'settled' && transaction !== undefined) {
    // The money moved. If the tool failed, it is the payer's credit now.
    return settledPayment({ ...paid, amount: price }, transaction);
  }
  return charged > 0n ? acceptedPayment(paid) : refusedPayment(paid, 'tool_failed');
};

/**
 * Builds `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers): for every limit its quota `q` and window `w`, and what
 * remains `r` until it resets in `t` seconds. Returns no headers without limits.
 */
export const limitHeaders = (
  limits: readonly LimitState[],
  now: Seconds = nowSeconds(),
): Readonly<Record<string, string>> => {
  if (limits.length === 0) return {};
  const policies: string[] = [];
  const states: string[] = [];
  for (const { rule, limit, window, remaining, resetsAt } of limits) {
    const name = quoted(rule);
    // Calls use the draft's default unit, money uses atomic units.
    const unit = rule.endsWith('rate') ? '' : ';qu="atomic-units"';
    const period = window === undefined ? '' : `;w=${window}`;
    const reset = resetsAt === undefined ? '' : `;t=${Math.max(0, resetsAt - now)}`;
    policies.push(`${name};q=${integer(limit)}${unit}${period}`);
    states.push(`${name};r=${integer(remaining)}${reset}`);
  }
  return { 'RateLimit-Policy': policies.join(', '), RateLimit: states.join(', ') };
};

const PRINTABLE = /^[\x20-\x7e]*$/;
const CACHED_NAMES = 256;

/** Writes a String of RFC 9651 §4.1.6, which holds printable ASCII alone. */
const quoted = memoize(
  CACHED_NAMES,
  (text: string) => text,
  (text) => {
    if (!PRINTABLE.test(text)) throw new Error('the name of a limit is not printable ASCII');
    return `"${text.replace(/["\\]/g, '\\$&')}"`;
  },
);

/** Returns a canonical decimal as an Integer of RFC 9651, which has at most 15 digits. A larger limit is reported as this lower bound. */
const integer = (decimal: string): string =>
  decimal.length > MAX_DIGITS ? '9'.repeat(MAX_DIGITS) : decimal;

const MAX_DIGITS = 15;
