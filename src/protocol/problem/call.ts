import type { Seconds } from '../../core/clock.ts';
import type { Parked } from '../account/call-verdict.ts';
import { formatDollars } from '../amount.ts';
import { FREE, type ProblemText, REPEAT, retryAfter, type Texts } from './problem-text.ts';

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

/** The tool gave no answer that the gateway can return. `money` states what that means for the caller. */
export type UpstreamReason = {
  readonly reason:
    | 'upstream_timeout'
    | 'upstream_dropped'
    | 'upstream_truncated'
    | 'upstream_payment'
    | 'upstream_redirect'
    | 'upstream_encoding'
    /** The tool charged more than the call had reserved, or stated no readable charge. */
    | 'upstream_overcharge'
    /** Longer than an answer may be over MCP, which has no streams. */
    | 'upstream_oversized'
    /** The server of a remote MCP tool sent an HTTP error, no JSON-RPC, or the answer to another request. */
    | 'upstream_malformed';
  readonly money: Money;
};

/** A JSON-RPC error of a remote MCP server. `message` and `data` come from a stranger. */
export type RpcError = {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
};

/** The server of a remote MCP tool answered with a JSON-RPC error. */
export type UpstreamErrorReason = {
  readonly reason: 'upstream_error';
  readonly error: RpcError;
  readonly money: Money;
};

/** The server of a remote MCP tool defines it otherwise than the operator accepted. Nothing ran. */
export type ToolChangedReason = { readonly reason: 'tool_changed' };

/**
 * `untouched`: the call charged nothing. `credited`: the payment had settled and is credit now. `held`: the amount stays reserved until
 * the operator resolves the call, because the tool may have spent it on the caller's behalf (`onSilence: keep`, law 4). `charged`: the
 * operator has resolved such a call as charged.
 */
export type Money = 'untouched' | 'credited' | 'held' | 'charged';

const MONEY_HINTS: Readonly<Record<Money, string>> = {
  untouched: 'The call charged nothing. To try again, sign a new proof.',
  credited:
    'The payment had settled before the tool failed, so the amount is credit of the paying account now: its next call that the credit covers spends it. To try again, sign a new proof.',
  held: 'The tool may have acted, so the gateway keeps the amount reserved until the operator resolves the call. Do not sign again before.',
  charged: 'The operator has resolved this call and charged the amount.',
};

const failed =
  (status: 502 | 504, title: string, detail: string) =>
  ({ money }: UpstreamReason): ProblemText => ({
    status,
    title,
    detail,
    hint: MONEY_HINTS[money],
    more: { money },
  });

export const upstreamErrorTexts: Texts<UpstreamErrorReason | ToolChangedReason> = {
  upstream_error: ({ error, money }) => ({
    status: 502,
    title: 'MCP server refused the call',
    detail: `The MCP server behind the tool answered with the JSON-RPC error ${error.code}, which \`error\` holds.`,
    hint: MONEY_HINTS[money],
    more: { error, money },
  }),
  tool_changed: () => ({
    status: 503,
    final: true,
    title: 'Tool changed',
    detail:
      'The MCP server behind the tool defines it otherwise than the operator accepted, so the gateway does not sell it.',
    hint: `Use another tool, or try again after \`retry_after\` seconds: the operator has an alert. ${FREE} If an earlier request with this proof ran the tool, GET /calls/<call id> returns its outcome.`,
    headers: retryAfter(300),
  }),
};

export const upstreamTexts: Texts<UpstreamReason> = {
  upstream_timeout: failed(504, 'Tool timed out', 'The tool did not answer in time.'),
  upstream_dropped: failed(
    502,
    'Tool not reachable',
    'The tool closed the connection without an answer.',
  ),
  upstream_truncated: failed(
    502,
    'Answer incomplete',
    'The tool closed the connection before the end of its answer.',
  ),
  upstream_payment: failed(
    502,
    'Tool requires payment itself',
    'The tool behind the gateway answered 402.',
  ),
  upstream_redirect: failed(
    502,
    'Tool redirected',
    'The tool answered with a redirect, which the gateway does not follow.',
  ),
  upstream_encoding: failed(
    502,
    'Answer not readable',
    'The tool answered in a content encoding that the gateway did not request.',
  ),
  upstream_overcharge: failed(
    502,
    'Tool charged too much',
    'The tool charged more than this call may cost, or did not state a readable charge.',
  ),
  upstream_oversized: failed(
    502,
    'Answer too long',
    'The answer of the tool is longer than the gateway returns over MCP, or takes from an MCP server.',
  ),
  upstream_malformed: failed(
    502,
    'Answer not readable',
    'The MCP server behind the tool answered with an HTTP error, with something else than JSON-RPC, or to another request.',
  ),
};
