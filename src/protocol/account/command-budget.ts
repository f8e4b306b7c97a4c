import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';

/** A command that another account of the tree is about to apply. It counts in this account's budget. Each `id` counts once. */
export type CommandCost = {
  /** `approval`: a call of a descendant that waits for a person. `session`: the end of a session, which is not a command. */
  readonly budget: 'own' | 'grant' | 'stop' | 'descendants' | 'approval' | 'session';
  readonly bytes: number;
  readonly id: Hex;
};

export type CountedCommand =
  | { readonly verdict: 'counted' }
  | { readonly verdict: 'refused'; readonly fault: BudgetFault }
  | { readonly verdict: 'unavailable' };

/** A command exceeds the command budget of its account, or of the root of its tree. Nothing was written. */
export type BudgetFault = {
  readonly reason: 'too_many_commands';
  readonly rule: 'command_rate' | 'command_bytes';
  /** The account of the budget. */
  readonly account: AccountId;
  /** Commands, or bytes of log, in `window` seconds. */
  readonly limit: number;
  readonly window: Seconds;
  readonly retryAfter: Seconds;
  readonly resetsAt: Seconds;
};

/** 4 MiB: about two thousand ordinary commands a day, and 1.5 GB a year. */
const DEFAULT_COMMAND_BYTES = 4 * 1_048_576;

/** One command may write this much, so a lower limit would reject well-formed commands. */
export const MIN_COMMAND_BYTES = 1_048_576;

export const MAX_COMMAND_BYTES = 1_073_741_824;

/** Reads `COMMAND_BYTES_PER_DAY`: bytes of log that the commands of one account may write in a day; 4 MiB when empty. */
export const parseCommandBytes = (text: string): number | undefined => {
  if (text === '') return DEFAULT_COMMAND_BYTES;
  const bytes = /^[1-9][0-9]{0,10}$/.test(text) ? Number(text) : 0;
  return bytes >= MIN_COMMAND_BYTES && bytes <= MAX_COMMAND_BYTES ? bytes : undefined;
};
