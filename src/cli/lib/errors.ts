import { CountersignError, type ErrorCode, type ProblemBody } from '../../client/errors.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import { type NameOf, nextStep } from './next-step.ts';

/** Exit codes; scripts depend on them, and `countersign --help` lists them. */
export const EXIT = {
  ok: 0,
  /** Any failure that no other code covers. */
  failed: 1,
  usage: 2,
  network: 3,
  /** The key is missing, or lacks the permission. */
  unauthorised: 4,
  /** A policy, a limit, or the `--max` of the call denied the request. */
  denied: 5,
  /** The call has run, and its answer broke off. */
  incomplete: 6,
  /** SIGINT, SIGTERM or SIGHUP. */
  cancelled: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

type Options = {
  /** The next step. Every error has one. */
  readonly hint: string;
  readonly exit?: ExitCode;
  /** Stable, for programs. */
  readonly code?: string;
  /** Printed one per line, and members of the error with `--json`. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
};

/** A failure with its next step. Its texts reach terminals and logs, so none may hold a secret or a signature (CWE-532). */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly hint: string;
  readonly exit: ExitCode;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, { hint, exit, code, details, cause }: Options) {
    super(message, cause === undefined ? {} : { cause });
    this.hint = hint;
    this.exit = exit ?? EXIT.failed;
    this.code = code ?? 'failed';
    this.details = details ?? {};
  }
}

/** Ends a command that already printed its result with an exit code other than 0. */
export class Ended extends Error {
  readonly exit: ExitCode;

  constructor(exit: ExitCode) {
    super(`ended with ${exit}`);
    this.exit = exit;
  }
}

export const usageError = (message: string, hint: string): CliError =>
  new CliError(message, { hint, exit: EXIT.usage, code: 'usage' });

export const cancelled = (hint = 'The command changed nothing.'): CliError =>
  new CliError('Cancelled.', { hint, exit: EXIT.cancelled, code: 'cancelled' });

/** Converts anything that was thrown into an error with a next step. */
export const cliErrorOf = (thrown: unknown): CliError => {
  if (thrown instanceof CliError) return thrown;
  if (thrown instanceof CountersignError) return clientError(thrown);
  const reason = networkReason(thrown);
  if (reason !== undefined) {
    return new CliError(reason, {
      hint: 'Check the address and your network, then try again. `countersign doctor` checks each part.',
      exit: EXIT.network,
      code: 'unreachable',
      cause: thrown,
    });
  }
  return new CliError(thrown instanceof Error ? thrown.message : String(thrown), {
    hint: 'This is a bug in the command. Run it again with COUNTERSIGN_DEBUG=1 and report the output.',
    code: 'internal',
    cause: thrown,
  });
};

const CLIENT_EXITS: Partial<Readonly<Record<ErrorCode, ExitCode>>> = {
  options_invalid: EXIT.usage,
  header_reserved: EXIT.usage,
  request_unsignable: EXIT.usage,
  unreachable: EXIT.network,
  answer_lost: EXIT.network,
  answer_broken_off: EXIT.incomplete,
  look_failed: EXIT.network,
  command_lost: EXIT.network,
  over_per_call: EXIT.denied,
  over_total: EXIT.denied,
  asset_not_allowed: EXIT.denied,
  payee_not_allowed: EXIT.denied,
  credit_refused: EXIT.denied,
  allowance_missing: EXIT.denied,
  signer_refused: EXIT.denied,
  vetoed: EXIT.denied,
};

const clientError = (error: CountersignError): CliError => {
  const { code, message, hint, call, cause, problem } = error;
  if (code === 'refused') return refusalError(error);
  const reason = code === 'unreachable' ? networkReason(cause) : undefined;
  return new CliError(reason === undefined ? message : `${message} ${reason}`, {
    hint,
    code,
    exit: CLIENT_EXITS[code] ?? EXIT.failed,
    details: {
      ...(call === undefined ? {} : { call }),
      ...(code === 'signer_refused' ? refusalDetails(problem) : {}),
    },
    cause: error,
  });
};

/** The rule and the limit of a signer, for programs. */
const refusalDetails = (problem: ProblemBody | undefined): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    ['rule', 'fault', 'limit', 'retry_after'].flatMap((name) =>
      problem?.[name] === undefined ? [] : [[name, problem[name]]],
    ),
  );

/** Uses the gateway's text, unless the command knows more. */
const refusalError = (refused: CountersignError): CliError => {
  const { problem, response } = refused;
  const error = problemError(response?.status ?? problem?.status ?? 0, problem);
  const message = OWN_MESSAGES[error.code];
  if (message === undefined) return error;
  const { hint, code, exit, details } = error;
  return new CliError(message, { hint, code, exit, details, cause: refused });
};

const CHANGED = 'Another writer changed it after this command read it. The gateway wrote nothing.';

/** Facts about a refusal that only the command knows, by code of the problem. */
const OWN_MESSAGES: Readonly<Record<string, string>> = {
  precondition_failed: CHANGED,
  precondition_required: CHANGED,
  unknown_account: 'The gateway has no such account, or your key may not see it.',
} satisfies Partial<Record<Reason['reason'], string>>;

/** Whether an error is the gateway's refusal with this code, e.g. `unknown_account`. */
export const isRefusal = (thrown: unknown, code: string): boolean =>
  thrown instanceof CliError && thrown.code === code;

const NETWORK_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens at that address.',
  ECONNRESET: 'The server closed the connection.',
  ENOTFOUND: 'DNS has no such host.',
  EAI_AGAIN: 'DNS did not answer: check your network.',
  ENETUNREACH: 'This machine has no route to that network.',
  EHOSTUNREACH: 'This machine has no route to that host.',
  ETIMEDOUT: 'The server did not answer in time.',
  UND_ERR_CONNECT_TIMEOUT: 'The server did not answer in time.',
  UND_ERR_HEADERS_TIMEOUT: 'The server did not answer in time.',
  UND_ERR_SOCKET: 'The server closed the connection.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate of the server is self-signed.',
  CERT_HAS_EXPIRED: 'The certificate of the server has expired.',
};

/** `fetch` hides the reason in a chain of causes. Undefined for an error that does not come from the network. */
export const networkReason = (thrown: unknown): string | undefined => {
  for (let at = thrown; at instanceof Error; at = at.cause) {
    if (at.name === 'TimeoutError') return 'The server did not answer in time.';
    const code = (at as { readonly code?: unknown }).code;
    const known = typeof code === 'string' ? NETWORK_REASONS[code] : undefined;
    if (known !== undefined) return known;
    if (at instanceof AggregateError) {
      const inner = at.errors.map(networkReason).find((reason) => reason !== undefined);
      if (inner !== undefined) return inner;
    }
  }
  return thrown instanceof TypeError && thrown.message === 'fetch failed'
    ? 'The request failed before the server answered.'
    : undefined;
};

const HIDDEN = new Set(['type', 'title', 'detail', 'hint', 'status', 'docs', 'intent', 'accepts']);

/** A problem document (RFC 9457) as an error: title, detail, rule and limit, and the gateway's hint. */
export const problemError = (
  status: number,
  body: ProblemBody | undefined,
  nameOf?: NameOf,
): CliError => {
  const code = (body?.type ?? '').split(':').at(-1) ?? '';
  const name = code === '' ? `http_${status}` : code.replaceAll('-', '_');
  const details = Object.fromEntries(
    Object.entries(body ?? {}).filter(([name]) => !HIDDEN.has(name)),
  );
  return new CliError(
    [body?.title ?? `The server answered ${status}`, body?.detail]
      .filter((text) => text !== undefined)
      .join(': '),
    {
      hint:
        nextStep(name, body, nameOf) ??
        body?.hint ??
        'The answer names no next step. `countersign doctor` checks each part of a gateway.',
      code: name,
      exit: exitOf(status, code),
      details: { status, ...details },
    },
  );
};

const exitOf = (status: number, problem: string): ExitCode => {
  if (problem === 'denied' || problem === 'penniless' || status === 429) return EXIT.denied;
  return status === 401 || status === 403 ? EXIT.unauthorised : EXIT.failed;
};
