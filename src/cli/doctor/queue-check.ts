import type { Management } from '../../client/management.ts';
import { type Check, doubtful, passed, wrong } from '../lib/check.ts';
import { cliErrorOf } from '../lib/errors.ts';
import { counted, lasting } from '../lib/text.ts';

const NAME = 'queues';
/** A payment that waits this long has met trouble: rounds are seconds apart. */
const LONG = 900;

/** What waits at the gateway, asked as an operator. */
export const queueCheck = async (
  management: Management,
  now: number,
  signal: AbortSignal,
): Promise<Check> => {
  try {
    const { body } = await management.call('queues', { signal });
    const { open_settlements: open, dead_letters: dead, oldest_open_at: oldest } = body;
    const says = `${counted(open, 'open settlement')}, ${counted(dead, 'dead letter')}`;
    if (dead > 0) {
      return doubtful(NAME, says, '`countersign settlements` shows why, and sends them again.');
    }
    if (oldest !== undefined && now - oldest > LONG) {
      const age = lasting(now - oldest);
      return doubtful(
        NAME,
        `${says}, the oldest for ${age}`,
        '`countersign settlements list --state open` says who was asked last, and what went wrong.',
      );
    }
    return passed(NAME, says);
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, hint } = cliErrorOf(error);
    return code === 'not_found' || code === 'method_not_allowed'
      ? doubtful(NAME, 'the gateway has no management API', 'It may be of an earlier release.')
      : wrong(NAME, message, hint);
  }
};
