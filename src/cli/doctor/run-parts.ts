import { race } from '../../client/transport.ts';
import { type Check, failure } from '../lib/checks.ts';
import { cliErrorOf } from '../lib/errors.ts';

/** Checks that `doctor` runs together. `name` labels the line of a part that fails or does not end. */
export type Part = {
  readonly name: string;
  readonly check: (signal: AbortSignal) => Promise<readonly Check[]>;
  /** Its own time limit, milliseconds, where the usual one is too short. */
  readonly limitMs?: number;
};

/** The time limit of a part, milliseconds: a silent chain or gateway must not hide the results of the other parts. */
const LIMIT_MS = 8_000;

/**
 * Runs all parts at once and reports the checks of each as soon as it ends.
 *
 * @returns all checks, in the order of the reports
 */
export const runParts = async (
  parts: readonly Part[],
  signal: AbortSignal,
  report: (checks: readonly Check[]) => void,
): Promise<readonly Check[]> => {
  const all: Check[] = [];
  await Promise.all(
    parts.map(async (part) => {
      const checks = await ended(part, signal);
      if (checks.length === 0) return;
      all.push(...checks);
      report(checks);
    }),
  );
  return all;
};

const ended = async (
  { name, check, limitMs = LIMIT_MS }: Part,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const limit = AbortSignal.timeout(limitMs);
  const either = AbortSignal.any([signal, limit]);
  try {
    return await race(either, async () => check(either));
  } catch (thrown) {
    signal.throwIfAborted();
    if (limit.aborted) {
      const says = `no answer within ${limitMs / 1000} s`;
      return [failure(name, says, 'Check what this part calls: another line may name the cause.')];
    }
    const { message, hint } = cliErrorOf(thrown);
    return [failure(name, message, hint)];
  }
};
