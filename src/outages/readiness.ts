/** Whether a gateway can serve calls now: the answer of `/readyz`. Strangers may ask, so it states no reason; `countersign doctor` does. */
import type { Seconds } from '../core/clock.ts';
import { inTime } from '../core/in-time.ts';
import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import { queueOutages } from './queues.ts';

/** `degraded`: calls are answered, but lists, log or settlement lag behind. `unavailable`: calls are refused. */
export type Readiness = 'ready' | 'degraded' | 'unavailable';

/** How long an isolate repeats an answer. */
const LIFETIME: Seconds = 10;
/** How long a part may take to answer, milliseconds. */
const PATIENCE_MS = 2_000;

type Parts = Pick<Env, 'SETTLEMENT_QUEUE' | 'AUDIT_QUEUE' | 'AUDIT_DB'>;
type Account = Pick<AgentAccountRpc, 'entries'>;

/** Asks accounts, database and queues at once. @param account the gateway's own */
export const readiness = async (
  parts: Parts,
  account: Account,
  now: Seconds,
): Promise<Readiness> => {
  const [accounts, database, queues] = await Promise.all([
    answers('accounts', async () => (await account.entries(0, 0, 1)).verdict === 'found'),
    answers('database', async () => {
      await parts.AUDIT_DB.prepare('SELECT 1').first();
      return true;
    }),
    answers('queues', async () => (await queueOutages(parts, now)).length === 0),
  ]);
  if (!accounts) return 'unavailable';
  return database && queues ? 'ready' : 'degraded';
};

const answers = async (part: string, ask: () => Promise<boolean>): Promise<boolean> => {
  try {
    return await inTime(ask(), PATIENCE_MS);
  } catch (cause) {
    console.error({ event: 'part_not_ready', part, cause: String(cause) });
    return false;
  }
};

let answer: Readiness | undefined;
let askedAt: Seconds | undefined;

/**
 * As `readiness`, asked at most once in ten seconds by an isolate, because strangers need no proof (law 12). Requests that arrive meanwhile get
 * the last answer, `unavailable` before the first. Platform: Workers cancel I/O of another request, so requests share no promise.
 */
export const currentReadiness = async (
  parts: Parts,
  account: Account,
  now: Seconds,
  waitUntil: (promise: Promise<unknown>) => void,
): Promise<Readiness> => {
  if (askedAt !== undefined && now - askedAt < LIFETIME) return answer ?? 'unavailable';
  askedAt = now;
  const asked = readiness(parts, account, now);
  waitUntil(asked);
  answer = await asked;
  return answer;
};
