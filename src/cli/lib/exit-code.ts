/** What the command's end says to a script (docs/cli.md). */
export const EXIT = {
  ok: 0,
  /** Refused, or failed, for any other reason than those below. */
  failed: 1,
  /** Not called as it must be. */
  usage: 2,
  /** A gateway, chain or service could not be reached. */
  network: 3,
  /** The key may not do this, or is not there. */
  unauthorised: 4,
  /** A rule or a limit said no: the gateway's, or the own cap of a call. */
  denied: 5,
  /** Ctrl-C. */
  cancelled: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
