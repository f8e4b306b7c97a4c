import { readOutgoing } from '../../../client/outgoing.ts';
import type { StoredSession } from '../../session/stored-session.ts';
import { readAs } from '../gateway/reader.ts';

/** Do not wait for the gateway, which may hang. */
const TIMEOUT_MS = 5_000;

/** Ends a session at the gateway (docs/wire-format.md §21). A gateway that does not answer keeps it until it expires; its key is deleted. */
export const endSession = async (session: StoredSession): Promise<void> => {
  try {
    const asked = { method: 'DELETE', signal: AbortSignal.timeout(TIMEOUT_MS) };
    await readAs(session, await readOutgoing(`${location.origin}/session`, asked));
  } catch {
    // The key is deleted from this browser in any case, so the session can no longer be used.
  }
};
