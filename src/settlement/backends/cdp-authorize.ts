import type { Clock } from '../../core/clock.ts';
import { err, type Result } from '../../core/result.ts';
import type { CdpKey, CdpTokens } from './cdp-token.ts';

/** Returns headers that authorize a request to a URL, or undefined if the key for it cannot be read. */
export type Authorize = (
  method: 'GET' | 'POST',
  url: string,
) => Promise<Readonly<Record<string, string>> | undefined>;

/**
 * Authorizes requests with the operator's CDP key. The key is read once per isolate, by code that is loaded for its first request. An
 * unreadable key is logged once and authorizes nothing: its facilitators count as failing, and the others settle.
 */
export const openCdpAuthorize = (key: CdpKey | undefined, clock: Clock): Authorize => {
  // Keeps the value, not a promise: a pending promise of one request must not be awaited by another.
  let tokens: CdpTokens | undefined;
  let isUnreadable = key === undefined;
  return async (method, url) => {
    if (tokens === undefined && key !== undefined && !isUnreadable) {
      const opened = await open(key);
      if (opened.ok) tokens = opened.value;
      else {
        // Several requests may have read the key at the same time.
        if (!isUnreadable) console.error({ event: 'cdp_key_unreadable', detail: opened.error });
        isUnreadable = true;
      }
    }
    if (tokens === undefined) return undefined;
    const token = await tokens.token(method, url, Math.floor(clock.now() / 1_000));
    return { authorization: `Bearer ${token}` };
  };
};

const open = async (key: CdpKey): Promise<Result<CdpTokens, string>> => {
  try {
    return await (await import('./cdp-token.ts')).openCdpTokens(key);
  } catch (cause) {
    return err(`not loaded: ${String(cause)}`);
  }
};
