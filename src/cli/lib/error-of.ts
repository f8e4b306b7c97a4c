import { CliError, EXIT, type ExitCode } from './errors.ts';
import {
  CountersignError,
  type ErrorCode,
  isProblem,
  type ProblemBody,
} from '../../client/errors.ts';

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
  look_failed: EXIT.network,
  command_lost: EXIT.network,
  over_per_call: EXIT.denied,
  over_total: EXIT.denied,
  asset_not_allowed: EXIT.denied,
  payee_not_allowed: EXIT.denied,
  credit_refused: EXIT.denied,
  vetoed: EXIT.denied,
};

const clientError = (error: CountersignError): CliError => {
  const { code, message, hint, call, cause } = error;
  if (code === 'refused') return refusalError(error);
  const reason = code === 'unreachable' ? networkReason(cause) : undefined;
  return new CliError(reason === undefined ? message : `${message} ${reason}`, {
    hint,
    code,
    exit: CLIENT_EXITS[code] ?? EXIT.failed,
    ...(call === undefined ? {} : { details: { call } }),
    cause: error,
  });
};

/** Uses the gateway's text, except for the two refusals whose next step depends on this command's options. */
const refusalError = (refused: CountersignError): CliError => {
  const { problem, response } = refused;
  const error = problemError(response?.status ?? problem?.status ?? 0, problem);
  if (isProblem(problem, 'precondition-failed') || isProblem(problem, 'precondition-required')) {
    return new CliError(
      'Another writer changed it after this command read it. The gateway wrote nothing.',
      {
        hint: 'Read the current version, then run the command again if it still applies.',
        code: error.code,
        details: error.details,
        cause: refused,
      },
    );
  }
  if (isProblem(problem, 'unknown-account')) {
    return new CliError('The gateway has no such account, or your key may not see it.', {
      hint: 'Check the account and --as: owners see their own tree, operators see every account.',
      code: error.code,
      cause: refused,
    });
  }
  return error;
};

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

/** `fetch` hides the reason in a chain of causes. Undefined for an error that is not the network's. */
const networkReason = (thrown: unknown): string | undefined => {
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
export const problemError = (status: number, body: ProblemBody | undefined): CliError => {
  const code = (body?.type ?? '').split(':').at(-1) ?? '';
  const details = Object.fromEntries(
    Object.entries(body ?? {}).filter(([name]) => !HIDDEN.has(name)),
  );
  return new CliError(
    [body?.title ?? `The server answered ${status}`, body?.detail]
      .filter((text) => text !== undefined)
      .join(': '),
    {
      hint:
        body?.hint ??
        'The answer names no next step. `countersign doctor` checks each part of a gateway.',
      code: code === '' ? `http_${status}` : code.replaceAll('-', '_'),
      exit: exitOf(status, code),
      details: { status, ...details },
    },
  );
};

const exitOf = (status: number, problem: string): ExitCode => {
  if (problem === 'denied' || problem === 'penniless' || status === 429) return EXIT.denied;
  return status === 401 || status === 403 ? EXIT.unauthorised : EXIT.failed;
};
