import type { Hex } from '../core/hex.ts';
import type { Requirement } from '../protocol/x402/requirement.ts';
import type { ProblemBody } from './problem.ts';

/** What would help, for every code. A code without a hint does not build. */
const HINTS = {
  options_invalid: 'Correct the option that the message names.',
  spend_missing:
    "An agent pays only within caps. Give createAgent both: spend: { perCall: '$0.05', total: '$1.00' }.",
  header_reserved:
    'Leave PAYMENT-SIGNATURE, X-PAYMENT and Agent-Intent out: the agent makes these headers itself.',
  request_unsignable:
    'Use a printable method, a content type of at most 256 printable characters and a target of at most 4096.',
  unreachable: 'The client signed no payment. Check the address and the network, then call again.',
  redirected:
    'A signature is never sent on to another address. Call the address that response.url or the Location header names, if you trust it.',
  offer_missing: 'The 402 holds no x402 offer. Ask the operator how this resource is paid.',
  offer_malformed:
    'The client signed no payment. Tell the operator which field of the offer is wrong.',
  scheme_unsupported: 'Only the x402 scheme "exact" is paid. Ask the operator to offer it.',
  network_unsupported: 'Ask the operator to offer USDC on a network of the table in tokens.ts.',
  flow_unsupported: 'Only EIP-3009 authorizations are signed. Ask the operator to offer that flow.',
  token_mismatch:
    'The offer names another EIP-712 domain than the token has. Do not pay it; tell the operator.',
  asset_not_allowed: 'Add the asset to spend.assets, if you want to pay in it.',
  payee_not_allowed: 'Add the payee to spend.payees, if you trust it.',
  over_per_call: 'Raise spend.perCall, if the price is right.',
  over_total: 'Make an agent with a higher spend.total, if you want to spend more.',
  binding_unavailable:
    'This call must be bound to its request, and the server does not offer it. Ask the operator.',
  binding_downgraded:
    'Nothing was signed. Check the connection and ask the operator; if binding was dropped on purpose, make a new agent.',
  audience_mismatch:
    'Call the audience itself, or add it to the option audiences if this server may act for it.',
  challenge_malformed:
    'The client signed nothing for it. Tell the operator what is wrong in its 401.',
  vetoed: 'A hook of yours stopped the call before a signature left the client.',
  signer_failed:
    'No signature left the client. Check the account, or the service that signs for it.',
  payment_refused:
    'The server refused this payment. Look at its reason; the signed amount stays counted, because it could still be taken.',
  credit_refused:
    'Only credit may pay this call, and the gateway took none. Top up the account with topUp, or tell the operator that its offer does not hold. The client signed no payment.',
  answer_lost:
    'The call may have run. Do not sign it again: ask look(gateway, error.call) what became of it.',
  unknown_call: 'The gateway does not know this call for this account, or has forgotten it.',
  look_failed: 'Ask again later; a look-up costs nothing.',
  refused: 'The gateway said no: error.problem says why, and what would help.',
  order_lost:
    'The gateway may have carried out the command. Read what it stores now before you sign it again.',
  answer_malformed: 'The answer is not what the gateway describes. Check its address and release.',
} as const satisfies Readonly<Record<string, string>>;

/** Every way in which the client refuses or fails. Stable: programs may switch on it. */
export type ErrorCode = keyof typeof HINTS;

type More = {
  readonly response?: Response;
  readonly offer?: Requirement;
  readonly call?: Hex;
  readonly problem?: ProblemBody;
  readonly cause?: unknown;
};

/** An error of the client: why, and what would help. Its texts hold no signature and no secret. */
export class CountersignError extends Error {
  override readonly name = 'CountersignError';
  readonly code: ErrorCode;
  /** One sentence: what whoever runs the agent can do. */
  readonly hint: string;
  /** The answer that led to it, where there is one. Its body may still be read. */
  readonly response: Response | undefined;
  /** The entry of the offer that came nearest to being paid. */
  readonly offer: Requirement | undefined;
  /** The call id, once something was signed: the argument for `look`. */
  readonly call: Hex | undefined;
  /** What the gateway said, of `refused` and `order_lost`. */
  readonly problem: ProblemBody | undefined;

  constructor(code: ErrorCode, message: string, more: More = {}) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.code = code;
    this.hint = HINTS[code];
    this.response = more.response;
    this.offer = more.offer;
    this.call = more.call;
    this.problem = more.problem;
  }
}
