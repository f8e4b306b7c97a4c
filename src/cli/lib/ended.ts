import type { ExitCode } from './exit-code.ts';

/** Ends a command with an exit code, where it has said itself what there is to say. */
export class Ended extends Error {
  readonly exit: ExitCode;

  constructor(exit: ExitCode) {
    super(`ended with ${exit}`);
    this.exit = exit;
  }
}
