import { readOutgoing } from '../../client/outgoing.ts';
import { readBySession } from './reader.ts';

/** Ends the session at the gateway (docs/wire-format.md §21). A gateway that does not answer keeps it until it expires; its key is deleted. */
export const endSession = async (): Promise<void> => {
  try {
    await readBySession(await readOutgoing(`${location.origin}/session`, { method: 'DELETE' }));
  } catch {
    // The key is deleted from this browser in any case, and nobody else can use the session.
  }
};
