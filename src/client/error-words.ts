import type { ErrorCode } from './errors.ts';

const RELOAD = 'Reload the page and try again. If it happens again, tell the operator.';
const OFFER = 'The offer of the gateway is wrong. Tell the operator.';
const CAPS = 'Reload the page to see the present price.';

/** The next step of a person at a page, by code: the hints of the client are for programs. Not in the client's bundle. */
export const errorPages: Readonly<Record<ErrorCode, string>> = {
  options_invalid: RELOAD,
  spend_missing: RELOAD,
  header_reserved: RELOAD,
  request_unsignable: 'Make what you typed shorter and plainer, then try again.',
  unreachable: 'Check the connection, then try again.',
  redirected: 'Open the gateway at its own address.',
  offer_missing: OFFER,
  offer_malformed: OFFER,
  scheme_unsupported: OFFER,
  network_unsupported: 'Choose another network.',
  flow_unsupported: OFFER,
  token_mismatch: OFFER,
  asset_not_allowed: CAPS,
  payee_not_allowed: CAPS,
  over_per_call: CAPS,
  over_total: CAPS,
  binding_unavailable: OFFER,
  binding_downgraded: OFFER,
  audience_mismatch: 'Open the gateway at its own address.',
  challenge_malformed: OFFER,
  vetoed: 'Try again.',
  signer_failed: 'Look at the wallet, then try again.',
  signer_refused: 'Look at the rules of the wallet, then try again.',
  payment_refused: RELOAD,
  allowance_missing: 'Approve Permit2 for the token with this wallet, then try again.',
  credit_refused: 'Buy credit for this account, then try again.',
  approval_required: 'The call waits for a person. Leave the page open.',
  approval_refused: 'Nothing ran and nothing was charged. Ask the person who refused the call.',
  approval_expired:
    'Nothing ran and nothing was charged. Make the call again when a person can decide on it.',
  answer_lost: 'The call may have run: look at it before you make it again.',
  answer_broken_off: 'The call has run: look at what it cost before you make it again.',
  tool_failed: 'Try again in a moment. A call that fails costs nothing.',
  unknown_call: 'The gateway has no such call of this account, or has already forgotten it.',
  look_failed: 'Try again later. Looking costs nothing.',
  refused: 'Try again in a moment.',
  command_lost:
    'The gateway may have made the change. Reload the page and look before you sign it again.',
  answer_malformed: 'Check the address and the release of the gateway.',
};
