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
