import { inTime } from '../../core/in-time.ts';
import {
  type BackendAnswer,
  INVOCATION_LOST,
  type Invocations,
  type PostAll,
  type SettleRequest,
} from './backend.ts';

/** A request may cause 32 invocations of Workers, its own included (Cloudflare, "Service bindings: Limits"). */
const MAX_INVOCATIONS = 31;
/** After the requests themselves have timed out. */
const GRACE_MS = 5_000;

/**
 * Opens the invocations of one batch.
 *
 * Race: an invocation that was lost (limit, deploy, crash) may have presented its payments. Their answers are `unreachable`, never
 * `declined`, so that the chain is observed before any other backend gets them (law 5). The batch then uses no further invocation.
 *
 * @param postAll runs in an invocation of its own, or absent where the runtime has no loopback (`ctx.exports`): then there are none.
 */
export const openInvocations = (postAll?: PostAll, most = MAX_INVOCATIONS): Invocations => {
  let remaining = postAll === undefined ? 0 : most;
  let isLost = false;
  return {
    remaining: () => remaining,
    isUsedUp: () => postAll !== undefined && remaining === 0 && !isLost,
    take: () => {
      if (postAll === undefined || remaining === 0) return undefined;
      remaining -= 1;
      return async (requests) => {
        const answers = await answersOf(postAll, requests);
        if (answers === undefined) {
          isLost = true;
          remaining = 0;
        }
        return requests.map((_, at) => answers?.[at] ?? LOST);
      };
    },
  };
};

const LOST: BackendAnswer = { kind: 'unreachable', why: INVOCATION_LOST };

const answersOf = async (
  postAll: PostAll,
  requests: readonly SettleRequest[],
): Promise<readonly BackendAnswer[] | undefined> => {
  const timeoutMs = Math.max(0, ...requests.map((request) => request.timeoutMs)) + GRACE_MS;
  try {
    return await inTime(postAll(requests), timeoutMs);
  } catch {
    return undefined;
  }
};
