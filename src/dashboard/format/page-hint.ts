import type { ProblemBody } from '../../client/errors.ts';
import { nowSeconds, type Seconds } from '../../core/clock.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import { denialHint } from './denial-hint.ts';
import { shown } from './text.ts';
import { waitText } from './wait-text.ts';

/** The next step for a person. `wait`: "Wait 45 s". */
type Words = string | ((problem: ProblemBody, wait: string) => string);

const CORRECT = 'Correct what the message names, then try again.';
const RELOAD = 'Reload the page and try again. If it happens again, tell the operator.';
const TELL = 'Tell the operator.';
const AGAIN: Words = (_, wait) => `${wait}, then try again.`;
const OWN: Words = ({ hint = '' }) => shown(hint);

const UPSTREAM: Words = ({ money }) =>
  (typeof money === 'string' ? AFTER_FAILURE[money] : undefined) ?? 'Try again in a moment.';

/** By what a failed call did with its money (`Money` of the problem). */
const AFTER_FAILURE: Readonly<Record<string, string>> = {
  untouched: 'The call charged nothing. Try again in a moment.',
  credited:
    'The payment had moved before the tool failed: it is your credit here, and pays for your next call.',
  held: 'The tool may have acted, so the gateway keeps the amount until the operator decides. Do not pay again before.',
  charged: 'The operator has looked at this call and charged it.',
};

/** The build fails for a problem without words: its own hint names members and headers, which a page does not show. */
const HINTS: Readonly<Record<Reason['reason'], Words>> = {
  too_large: 'Make the value shorter, then try again.',
  duplicate_header: RELOAD,
  malformed_header: RELOAD,
  malformed_field: CORRECT,
  unknown_field: CORRECT,
  unsupported_version: RELOAD,
  unsupported_scheme: RELOAD,
  unsupported_network: 'Choose a network that this gateway takes.',
  requirement_mismatch: 'Reload the page to see the present price and terms.',
  recipient_mismatch: 'Reload the page to see the present price and terms.',
  value_mismatch: 'Reload the page to see the present price and terms.',
  wrong_payer: 'Choose another account in the wallet, then try again.',
  intent_mismatch: RELOAD,
  empty_window: RELOAD,
  window_too_long: RELOAD,
  valid_too_long: RELOAD,
  not_yet_valid: 'Correct the clock of this device, then try again.',
  expired: 'The signature is too old. Try again, and confirm sooner in the wallet.',
  not_found:
    'Reload the page. If it happens again, the gateway runs another release: tell the operator.',
  method_not_allowed: RELOAD,
  malformed_request: CORRECT,
  not_canonical: 'Remove unusual characters from what you typed, then try again.',
  target_too_long: 'Make what you typed shorter, then try again.',
  body_too_large: 'Make what you typed or chose smaller, then try again.',
  body_incomplete: 'Check the connection, then try again.',
  content_encoding: RELOAD,
  invalid_session: OWN,
  session_ended: OWN,
  session_repeat: 'Correct the clock of this device, then reload the page.',
  session_reads: RELOAD,
  payment_required: 'Pay for the call with a wallet.',
  intent_required: 'Sign the call with a wallet.',
  too_many_proofs: RELOAD,
  invalid_signature: 'Choose the account that you signed in with in the wallet, then try again.',
  unsupported_signature:
    'Send a first transaction with this wallet, which deploys its account, or use another wallet.',
  retry_key_mismatch: RELOAD,
  binding_required: RELOAD,
  proof_too_old: 'Sign the call again if you still want it.',
  in_progress: (_, wait) => `${wait}, then look again: the call is still running.`,
  conflict: RELOAD,
  already_used: 'Reload the page to see what was done, before you do it again.',
  approval_required:
    'Somebody has to approve this call first. Leave the page open: it goes on by itself.',
  unknown_call:
    'Check the address of the page. The gateway forgets a call some time after its payment settled.',
  settlement_unavailable: AGAIN,
  settlement_unknown: (_, wait) => `${wait}, then look at the payment before you pay again.`,
  settlement_failed: 'Make sure that the wallet holds the price, then try again.',
  denied: denialHint,
  forbidden: 'Sign in with the wallet of an operator, or of an owner of this account.',
  precondition_failed:
    'Somebody else has changed it. Reload the page, and make your change to the present version.',
  precondition_required: 'Reload the page, and make your change to the present version.',
  not_writable: OWN,
  too_many_commands: (_, wait) =>
    `${wait}, then try again. Pausing, freezing and revoking work at once.`,
  credit_too_low: 'Choose an amount that the free credit of the account covers.',
  unknown_transaction:
    'Check the hash and the chain. If the transaction is new, wait until it is in a block.',
  transaction_not_final: (_, wait) =>
    `${wait}, then try again: the chain could still drop the transaction.`,
  no_refund:
    'Choose a transaction that pays the account from the address of the gateway or of an operator.',
  malformed_policy: CORRECT,
  grant_refused: 'Choose limits that are not above your own, then sign the grant again.',
  already_registered: 'There is nothing left to do: the gateway has this grant.',
  grant_revoked: 'A revocation is permanent. Make a new grant.',
  holds_leases:
    'The agent still uses the limits of its present owner. Try again when it has made no call for two minutes.',
  unknown_grant: 'Register the grants from the owner down, then try again.',
  penniless: 'Send the account some money on this chain, then try again.',
  unknown_account:
    'An account is here from its first paid call, top-up or grant on. Check the address.',
  unknown_document: 'Reload the page: it may have been removed.',
  unknown_tool: 'Reload the page: the tool may have been removed.',
  malformed_document: CORRECT,
  too_many_requests: AGAIN,
  too_many_payments: AGAIN,
  facilitator_unavailable: AGAIN,
  paused: 'The operator has paused the gateway. Try again later.',
  payer_unreachable: AGAIN,
  storage_unavailable: AGAIN,
  archive_unavailable: (_, wait) => `${wait}, then try again. Later days need no archive.`,
  secret_unavailable: `The operator must store the missing secret. ${TELL}`,
  misconfigured: `The operator must correct the settings of the gateway. ${TELL}`,
  internal: 'Try again in a moment. If it happens again, tell the operator.',
  upstream_timeout: UPSTREAM,
  upstream_dropped: UPSTREAM,
  upstream_truncated: UPSTREAM,
  upstream_payment: UPSTREAM,
  upstream_redirect: UPSTREAM,
  upstream_encoding: UPSTREAM,
  upstream_overcharge: UPSTREAM,
  upstream_oversized: UPSTREAM,
  upstream_malformed: UPSTREAM,
  upstream_error: UPSTREAM,
  tool_changed: 'Use another tool, or try again later: the operator has an alert.',
};

const known = (name: string): name is Reason['reason'] => Object.hasOwn(HINTS, name);

/** The next step of a person after a problem of the gateway, in words of a page: times instead of members of the answer. */
export const pageHint = (problem: ProblemBody, now: Seconds = nowSeconds()): string => {
  const name = (problem.type ?? '').replace('urn:countersign:problem:', '').replaceAll('-', '_');
  const { retry_after: after } = problem;
  const wait = typeof after === 'number' ? waitText(after, now) : 'Wait a moment';
  // During a deploy the gateway may run a newer release, with a problem that this page does not know.
  const words = known(name) ? HINTS[name] : RELOAD;
  return typeof words === 'string' ? words : words(problem, wait);
};
