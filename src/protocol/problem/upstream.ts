import type { UsageFault } from '../meter/metered-charge.ts';
import { usageFaultWords } from '../meter/usage-fault-words.ts';
import { FREE, type ProblemText, retryAfter, type Texts } from './problem-text.ts';
import type { ProblemWords, Words } from './words.ts';

/** The tool gave no answer that the gateway can return. `money`: the effect on the caller's money. */
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

/** The tool reported absurd usage, so its charge cannot be computed. */
export type UpstreamUsageReason = {
  readonly reason: 'upstream_usage';
  readonly fault: UsageFault;
  readonly money: Money;
};

/** The server of a remote MCP tool has changed the definition that the operator accepted. Nothing ran. */
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
  (title: string, detail: string, status: 502 | 504 = 502) =>
  ({ money }: UpstreamReason): ProblemText => ({
    status,
    title,
    detail,
    hint: MONEY_HINTS[money],
    more: { money },
  });

export const upstreamErrorTexts: Texts<
  UpstreamErrorReason | UpstreamUsageReason | ToolChangedReason
> = {
  upstream_usage: ({ fault, money }) => ({
    status: 502,
    title: 'Absurd usage',
    detail: `${usageFaultWords(fault)}, so the gateway cannot compute the charge.`,
    hint: MONEY_HINTS[money],
    more: { money },
  }),
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
  upstream_timeout: /* @__PURE__ */ failed(
    'Tool timed out',
    'The tool did not answer in time.',
    504,
  ),
  upstream_dropped: /* @__PURE__ */ failed(
    'Tool not reachable',
    'The tool closed the connection without an answer.',
  ),
  upstream_truncated: /* @__PURE__ */ failed(
    'Answer incomplete',
    'The tool closed the connection before the end of its answer.',
  ),
  upstream_payment: /* @__PURE__ */ failed(
    'Tool requires payment itself',
    'The tool behind the gateway answered 402.',
  ),
  upstream_redirect: /* @__PURE__ */ failed(
    'Tool redirected',
    'The tool answered with a redirect, which the gateway does not follow.',
  ),
  upstream_encoding: /* @__PURE__ */ failed(
    'Answer not readable',
    'The tool answered in a content encoding that the gateway did not request.',
  ),
  upstream_overcharge: /* @__PURE__ */ failed(
    'Tool charged too much',
    'The tool charged more than this call may cost, or did not state a readable charge.',
  ),
  upstream_oversized: /* @__PURE__ */ failed(
    'Answer too long',
    'The answer of the tool is longer than the gateway returns over MCP, or takes from an MCP server.',
  ),
  upstream_malformed: /* @__PURE__ */ failed(
    'Answer not readable',
    'The MCP server behind the tool answered with an HTTP error, with something else than JSON-RPC, or to another request.',
  ),
};

/** By the state of a failed call's money. */
const AFTER_FAILURE: Readonly<Record<Money, string>> = {
  untouched: 'The call charged nothing. Try again in a moment.',
  credited:
    'The payment had moved before the tool failed: it is your credit here, and pays for your next call.',
  held: 'The tool may have acted, so the gateway keeps the amount until the operator decides. Do not pay again before.',
  charged: 'The operator has looked at this call and charged it.',
};

const FAILED: ProblemWords = {
  page: ({ money }) =>
    typeof money === 'string' && Object.hasOwn(AFTER_FAILURE, money)
      ? AFTER_FAILURE[money as Money]
      : 'Try again in a moment.',
};

export const upstreamWords: Words<
  UpstreamReason | UpstreamErrorReason | UpstreamUsageReason | ToolChangedReason
> = {
  upstream_timeout: FAILED,
  upstream_dropped: FAILED,
  upstream_truncated: FAILED,
  upstream_payment: FAILED,
  upstream_redirect: FAILED,
  upstream_encoding: FAILED,
  upstream_overcharge: FAILED,
  upstream_oversized: FAILED,
  upstream_malformed: FAILED,
  upstream_error: FAILED,
  upstream_usage: FAILED,
  tool_changed: { page: 'Use another tool, or try again later: the operator has an alert.' },
};
