/** What `GET /readyz` answers: whether the parts that a call needs answer. Strangers may ask, so it says no more than that; `countersign doctor` does. */
import type { Seconds } from '../core/clock.ts';
import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import { queueOutages } from './queues.ts';

/** `degraded`: calls are answered, but lists, the log or settlement lag behind. `unavailable`: calls are refused. */
export type Readiness = 'ready' | 'degraded' | 'unavailable';

/** How long an isolate repeats an answer, seconds: whoever asks often costs nothing. */
const KEPT: Seconds = 10;
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
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      ask(),
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('no answer in time')), PATIENCE_MS);
      }),
    ]);
  } catch (cause) {
    console.error({ event: 'part_not_ready', part, cause: String(cause) });
    return false;
  } finally {
    clearTimeout(timer);
  }
};

let kept: { readonly env: Parts; readonly at: Seconds; readonly answer: Readiness } | undefined;

/**
 * As `readiness`. An isolate asks about once in ten seconds.
 *
 * Platform: it keeps the answer and not its promise, because a request must not wait for the I/O of another one.
 */
export const readinessOf = async (
  env: Parts,
  account: Account,
  now: Seconds,
): Promise<Readiness> => {
  if (kept?.env !== env || now - kept.at >= KEPT) {
    kept = { env, at: now, answer: await readiness(env, account, now) };
  }
  return kept.answer;
};
