import type { Hex } from '../core/hex.ts';
import type { Requirement } from '../protocol/x402/requirement.ts';
import { isRecord, readJsonBody } from './json.ts';

/** The next step for the caller, by code. The build fails for a code without a hint. */
const HINTS = {
  options_invalid: 'Correct the option that the message names.',
  spend_missing:
    "An agent pays only within caps. Give createAgent both: spend: { perCall: '$0.05', total: '$1.00' }.",
  header_reserved:
    'Remove PAYMENT-SIGNATURE, X-PAYMENT, Agent-Intent, Agent-Retry-Key and Agent-Receipt: the agent sets these headers itself.',
  request_unsignable:
    'Use a printable method, a content type of at most 256 printable characters and a path with query of at most 4096.',
  unreachable: 'The client signed no payment. Check the address and the network, then call again.',
  redirected:
    'The client sends a signature to no other address. If you trust the new address (response.url or Location), call it directly.',
  offer_missing: 'The 402 has no x402 offer. Ask the operator how to pay for this resource.',
  offer_malformed:
    'The client signed no payment. Tell the operator which field of the offer is wrong.',
  scheme_unsupported:
    'The client pays the x402 schemes "exact" and, in version 2, "upto". Ask the operator to offer one of them.',
  network_unsupported:
    'Ask the operator to offer USDC on a network that the client supports, e.g. Base (eip155:8453).',
  flow_unsupported:
    'The client signs EIP-3009 authorizations, and Permit2 permits of the scheme "upto". Ask the operator to offer one of them.',
  token_mismatch: 'Do not pay this offer: it names the wrong EIP-712 domain. Tell the operator.',
  asset_not_allowed: 'If you want to pay in this asset, add it to spend.assets.',
  payee_not_allowed: 'If you trust this payee, add it to spend.payees.',
  over_per_call: 'If the price is right, raise spend.perCall.',
  over_total: 'To spend more, raise spend.total in a new agent.',
  binding_unavailable:
    'The client signed no payment. This call needs a payment that is bound to its request: ask the operator to offer the extension agent-intent.',
  binding_downgraded:
    'The client signed no payment. Check the connection and ask the operator. If the operator dropped binding on purpose, create a new agent.',
  audience_mismatch:
    'Call the audience itself. If this server is that gateway at another address, create the agent with audiences: { "<called origin>": "<audience>" }.',
  challenge_malformed:
    'The client signed nothing for it. Tell the operator what is wrong in its 401.',
  vetoed: 'One of your hooks stopped the call. No signature left the client.',
  signer_failed:
    'No signature left the client. Check the account, or the service that signs for it.',
  signer_refused:
    'No signature left the client. Read error.problem: it names the rule of the signer. The owner changes it with `countersign signer policy`.',
  payment_refused:
    'Read the reason of the server. The signed amount stays counted, because the server could still settle it.',
  allowance_missing:
    'Approve Permit2 (0x000000000022D473030F116dDEE9F6B43aC78BA3) at the token with the paying account, or pay from credit (topUp), or create the agent with spend: { upto: false }. The signed amount stays counted.',
  credit_refused:
    'The client signed no payment: only credit can pay for this call, and the gateway debited none. Top up the account with topUp, or tell the operator that the offer does not hold.',
  approval_required:
    'The call waits for a person, and its amount is held. Do not sign it again: error.approval.resume() waits for the decision and runs it.',
  approval_refused: 'Nothing ran and nothing was charged. Ask the person who refused the call.',
  approval_expired:
    'Nothing ran and nothing was charged. Make the call again when a person can decide on it.',
  answer_lost:
    'The call may have run. Do not sign it again: look(gateway, error.call) returns its outcome.',
  answer_broken_off:
    'The call has run, and you may have paid for a part of its answer. Do not sign it again: look(gateway, error.call) returns what it cost.',
  tool_failed:
    'Read the reason of the tool. A call that fails costs nothing; a payment that had settled before is credit of the account.',
  unknown_call: 'The gateway has no such call of this account, or has already forgotten it.',
  look_failed: 'Try again later. A look-up costs nothing.',
  refused: 'Read error.problem: it states why the gateway refused, and what would help.',
  command_lost:
    'The gateway may have carried out the command. Read the stored state before you sign the command again.',
  answer_malformed: 'Check the address and the release of the gateway.',
} as const satisfies Readonly<Record<string, string>>;

/** Identifies a failure of the client. Stable: programs may switch on it. */
export type ErrorCode = keyof typeof HINTS;

type Context = {
  readonly response?: Response;
  readonly offer?: Requirement;
  readonly call?: Hex;
  readonly problem?: ProblemBody;
  readonly cause?: unknown;
};

/**
 * The only error that the client throws itself; the abort reason of a caller's signal passes through unchanged. `message` states what
 * happened, `hint` what to do next. Neither contains a signature or a secret.
 */
export class CountersignError extends Error {
  override readonly name = 'CountersignError';
  /** Identifies the failure; stable across releases. */
  readonly code: ErrorCode;
  /** The next step for the operator of the agent. */
  readonly hint: string;
  /** The answer that caused the error, if any. Its body may still be unread. */
  readonly response: Response | undefined;
  /** The entry of the offer that came closest to being paid. */
  readonly offer: Requirement | undefined;
  /** Call id, once the agent has signed: the argument for `Agent.look`. */
  readonly call: Hex | undefined;
  /** The problem of the gateway, for `refused` and `command_lost`, or of the signer, for `signer_refused`; also for `approval_required`. */
  readonly problem: ProblemBody | undefined;

  constructor(code: ErrorCode, message: string, context: Context = {}) {
    super(message, context.cause === undefined ? {} : { cause: context.cause });
    this.code = code;
    this.hint = HINTS[code];
    this.response = context.response;
    this.offer = context.offer;
    this.call = context.call;
    this.problem = context.problem;
  }
}

/** A problem of RFC 9457 as the server sent it. The client never bases a payment on it. */
export type ProblemBody = {
  /** Countersign: `urn:countersign:problem:<name>`, stable. */
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  /** The next step for the caller. */
  readonly hint?: string;
  readonly [member: string]: unknown;
};

const MAX_BODY = 65_536;
const TEXTS = ['type', 'title', 'detail', 'hint'];

/** Reads the problem in the body of an answer, without members of a wrong type; undefined if the body is not a problem. */
export const problemIn = async (
  response: Response,
  withinMs?: number,
): Promise<ProblemBody | undefined> => {
  const type = response.headers.get('content-type') ?? '';
  if (!type.toLowerCase().startsWith('application/problem+json')) return undefined;
  const body = await readJsonBody(response, MAX_BODY, withinMs);
  if (!isRecord(body)) return undefined;
  const members = Object.entries(body).filter(
    ([name, value]) => !TEXTS.includes(name) || typeof value === 'string',
  );
  return Object.fromEntries(members);
};

/** Whether a problem has this name, e.g. `already-used`. */
export const isProblem = (body: ProblemBody | undefined, name: string): boolean =>
  body?.type === `urn:countersign:problem:${name}`;

/** The reason that a problem states, fit for a message; undefined if it states none. */
export const refusalIn = (body: ProblemBody | undefined): string | undefined => {
  const text = body?.detail ?? body?.title;
  return text === undefined ? undefined : messageText(text, MAX_DETAIL);
};

const MAX_DETAIL = 1_024;
/** Matches long runs without a space, e.g. a signature that a server echoes. */
const LONG_WORD = /[\w+/=.-]{100,}/g;

/** Makes text of a server safe for a message: messages end up in logs (CWE-117). */
export const messageText = (text: string, limit: number): string =>
  text
    .replace(LONG_WORD, '...')
    .slice(0, limit)
    .replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
