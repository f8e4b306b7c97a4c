import type { CdpKey } from '../backend.ts';
import { type CdpTokens, openCdpTokens } from './cdp-token.ts';
import type { Clock } from './clock.ts';
import type { Authorize } from './facilitator.ts';

/**
 * Authorizes requests with the operator's CDP key, which is read once an isolate. A key that cannot be read is said in the log,
 * once, and lets nobody in: its facilitators count as failing, and the others settle.
 */
export const openAuthorize = (key: CdpKey | undefined, clock: Clock): Authorize => {
  // Only the value is kept: a pending promise of one request must not be awaited by another.
  let tokens: CdpTokens | undefined;
  let isUnreadable = key === undefined;
  return async (method, url) => {
    if (tokens === undefined && key !== undefined && !isUnreadable) {
      const opened = await openCdpTokens(key);
      if (opened.ok) tokens = opened.value;
      else {
        // Several requests may have read it beside each other.
        if (!isUnreadable) console.error({ event: 'cdp_key_unreadable', detail: opened.error });
        isUnreadable = true;
      }
    }
    if (tokens === undefined) return undefined;
    const token = await tokens.token(method, url, Math.floor(clock.now() / 1_000));
    return { authorization: `Bearer ${token}` };
  };
};
