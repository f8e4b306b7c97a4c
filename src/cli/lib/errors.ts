import { CountersignError, type ErrorCode } from '../../client/errors.ts';
import type { ProblemBody } from '../../client/problem-body.ts';
import { EXIT, type ExitCode } from './exit-code.ts';

type More = {
  /** What to do next. Every error has one. */
  readonly hint: string;
  readonly exit?: ExitCode;
  /** Stable, for programs. */
  readonly code?: string;
  /** Shown line by line, and members of the error with `--json`. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
};

/** Why a command did not do what it was asked. Its texts go to terminals and logs: no secret, no signature. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly hint: string;
  readonly exit: ExitCode;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, { hint, exit, code, details, cause }: More) {
    super(message, cause === undefined ? {} : { cause });
    this.hint = hint;
    this.exit = exit ?? EXIT.failed;
    this.code = code ?? 'failed';
    this.details = details ?? {};
  }
}

export const usageError = (message: string, hint: string): CliError =>
  new CliError(message, { hint, exit: EXIT.usage, code: 'usage' });

export const cancelled = (hint = 'Nothing was changed.'): CliError =>
  new CliError('Stopped.', {
    hint,
    exit: EXIT.cancelled,
    code: 'cancelled',
  });

/** Anything that was thrown, as an error that says what to do next. */
export const cliErrorOf = (thrown: unknown): CliError => {
  if (thrown instanceof CliError) return thrown;
  if (thrown instanceof CountersignError) return ofClient(thrown);
  const reason = networkReason(thrown);
  if (reason !== undefined) return unreachable(reason, thrown);
  return new CliError(thrown instanceof Error ? thrown.message : String(thrown), {
    hint: 'This is a fault of the command: run it again with COUNTERSIGN_DEBUG=1, and report what it prints.',
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
  look_failed: EXIT.network,
  command_lost: EXIT.network,
  over_per_call: EXIT.denied,
  over_total: EXIT.denied,
  asset_not_allowed: EXIT.denied,
  payee_not_allowed: EXIT.denied,
  credit_refused: EXIT.denied,
  vetoed: EXIT.denied,
};

const ofClient = (error: CountersignError): CliError => {
  const { code, message, hint, call, cause, problem, response } = error;
  // What the gateway said is more than what the client says of it.
  if (code === 'refused') return problemError(response?.status ?? problem?.status ?? 0, problem);
  const reason = code === 'unreachable' ? networkReason(cause) : undefined;
  return new CliError(reason === undefined ? message : `${message} ${reason}`, {
    hint,
    code,
    exit: CLIENT_EXITS[code] ?? EXIT.failed,
    ...(call === undefined ? {} : { details: { call } }),
    cause: error,
  });
};

const SYSTEM: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there.',
  ECONNRESET: 'The connection broke off.',
  ENOTFOUND: 'The name is not known.',
  EAI_AGAIN: 'Names cannot be looked up: is there a network?',
  ENETUNREACH: 'There is no network.',
  EHOSTUNREACH: 'The host cannot be reached.',
  ETIMEDOUT: 'It did not answer in time.',
  UND_ERR_CONNECT_TIMEOUT: 'It did not answer in time.',
  UND_ERR_HEADERS_TIMEOUT: 'It did not answer in time.',
  UND_ERR_SOCKET: 'The connection broke off.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'Its certificate is self-signed.',
  CERT_HAS_EXPIRED: 'Its certificate has expired.',
};

/** What went wrong on the way, found in a fetch's chain of causes; undefined where it was something else. */
const networkReason = (thrown: unknown): string | undefined => {
  for (let at = thrown; at instanceof Error; at = at.cause) {
    if (at.name === 'TimeoutError') return 'It did not answer in time.';
    const code = (at as { readonly code?: unknown }).code;
    const known = typeof code === 'string' ? SYSTEM[code] : undefined;
    if (known !== undefined) return known;
    if (at instanceof AggregateError) {
      const inner = at.errors.map(networkReason).find((reason) => reason !== undefined);
      if (inner !== undefined) return inner;
    }
  }
  return thrown instanceof TypeError && thrown.message === 'fetch failed'
    ? 'The request could not be sent.'
    : undefined;
};

const unreachable = (reason: string, cause: unknown): CliError =>
  new CliError(reason, {
    hint: 'Check the address and the network, then try again. `countersign doctor` looks at each part.',
    exit: EXIT.network,
    code: 'unreachable',
    cause,
  });

const HIDDEN = new Set(['type', 'title', 'detail', 'hint', 'status', 'docs', 'intent', 'accepts']);

/** A refusal (RFC 9457) as an error: what it says, its rule and limit, and what to do next. */
export const problemError = (status: number, body: ProblemBody | undefined): CliError => {
  const code = (body?.type ?? '').split(':').at(-1) ?? '';
  const details = Object.fromEntries(
    Object.entries(body ?? {}).filter(([name]) => !HIDDEN.has(name)),
  );
  return new CliError(
    [body?.title ?? `Answered ${status}`, body?.detail]
      .filter((text) => text !== undefined)
      .join(': '),
    {
      hint:
        body?.hint ??
        'The answer says no more. `countersign doctor` looks at each part of a gateway.',
      code: code === '' ? `http_${status}` : code.replaceAll('-', '_'),
      exit: exitOfStatus(status, code),
      details: { status, ...details },
    },
  );
};

/** The exit code that a refusal's status and problem stand for. */
export const exitOfStatus = (status: number, problem: string): ExitCode => {
  if (problem === 'denied' || problem === 'penniless' || status === 429) return EXIT.denied;
  if (status === 401 || status === 403) return EXIT.unauthorised;
  return EXIT.failed;
};
