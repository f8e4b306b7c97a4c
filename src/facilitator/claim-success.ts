import type { Seconds } from '../core/clock.ts';
import { type Hex, random16 } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { FinalOutcome, Payment } from '../protocol/payment.ts';

/** The gateway, and its database, in which each settlement has one success. */
export type Facilitator = Gateway & { readonly db: D1Database };

type Settled = Extract<FinalOutcome, { readonly outcome: 'settled' }>;

/**
 * Each new claim deletes rows that are older than this many blocks. `settle` searches half as far back (`LOOK_BACK`), so it never finds a
 * payment whose row was deleted.
 */
const KEPT_BLOCKS = 100_000;
/**
 * Longer than any request runs: 55 seconds at the relayer, 45 on the chain, and its last query. A request that died holds its claim this
 * long.
 */
const RUNNING: Seconds = 120;
/** For this long after a claim has ended, only the repeat of its request may take the success. */
const PENDING: Seconds = 300;

/** The holder of the one `success` of a settlement: this request; an earlier request that got it; or a request that may still get it. */
export type Claimed = 'ours' | 'given' | 'held';

export type SuccessClaim = {
  /** Call before presenting a payment whose nonce is unused at the newest block. Has no effect while another request holds the claim. */
  readonly hold: (block: number, now: Seconds) => Promise<Result<void, 'unavailable'>>;
  /** Call after the chain has shown the transfer. */
  readonly take: (settled: Settled, now: Seconds) => Promise<Result<Claimed, 'unavailable'>>;
  /** Call before answering `settlement_pending`: the server sends the request again. */
  readonly keepForRepeat: (now: Seconds) => Promise<void>;
  /**
   * Call if the request was answered and has presented nothing. A claim that it took over stays for the repeat, because the first holder
   * may have presented.
   */
  readonly release: (now: Seconds) => Promise<void>;
};

/**
 * Opens a request's claim on the one `success` of a settlement, by payer and nonce.
 *
 * Attack: a server verifies, runs its tool, and then settles; it serves each request whose settlement succeeds. Copies of one payment that
 * arrive while the nonce is unused all verify. If each of their settlements succeeded, the server would serve every copy.
 *
 * Attack: a stranger copies authorization and signature from the relayer's transaction and posts them, while the server's request still
 * waits for the block. If the success went to the first request that sees the transfer, the stranger could take it: the buyer would have
 * paid, and the server would not serve. So the request that presents the payment stores its claim before the signature leaves the gateway,
 * and keeps it until it ends.
 *
 * Attack: a server that hangs up, or whose isolate ends, never reaches `keepForRepeat`. So each row names from the start who may repeat.
 *
 * @param repeat identifies the request and its repeat, but not a stranger's copy
 */
export const openClaim = (
  db: D1Database,
  { token: { network }, authorization: { from, nonce } }: Payment,
  repeat: Hex,
): SuccessClaim => {
  const request = random16();
  let isNew = false;
  const find = db
    .prepare('SELECT holder FROM facilitated WHERE network = ?1 AND payer = ?2 AND nonce = ?3')
    .bind(network, from, nonce);
  const write = async (set: string, ...values: unknown[]): Promise<void> => {
    const own = db
      .prepare(`${set} WHERE network = ?1 AND payer = ?2 AND nonce = ?3 AND holder = ?4`)
      .bind(network, from, nonce, request, ...values);
    await attempt(async () => own.run());
  };
  const keepForRepeat = async (now: Seconds): Promise<void> =>
    write('UPDATE facilitated SET until = ?5', now);
  /**
   * Stores a holder if the payment has no row, if this request is its holder, or if the holder's claim has ended and this request may
   * follow.
   */
  const store = (block: number, holder: Hex | null, until: Seconds, now: Seconds) =>
    db
      .prepare(
        `INSERT INTO facilitated (network, payer, nonce, block, holder, repeat, until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET holder = excluded.holder, repeat = excluded.repeat, until = excluded.until
         WHERE facilitated.holder = ?8 OR facilitated.holder IS NOT NULL
           AND facilitated.until <= CASE facilitated.repeat WHEN ?6 THEN ?9 ELSE ?9 - ${PENDING} END`,
      )
      .bind(network, from, nonce, block, holder, repeat, until, request, now);
  return {
    hold: (block, now) =>
      attempt(async () => {
        const [before] = await db.batch([
          find,
          store(block, request, now + RUNNING, now),
          db
            .prepare('DELETE FROM facilitated WHERE network = ?1 AND block < ?2')
            .bind(network, block - KEPT_BLOCKS),
        ]);
        isNew = before?.results.length === 0;
      }),
    take: ({ block }, now) =>
      attempt(async () => {
        const [taken, read] = await db.batch<{ readonly holder: string | null }>([
          store(block, null, now, now),
          find,
        ]);
        if (taken?.meta.changes === 1) return 'ours';
        return read?.results[0]?.holder === null ? 'given' : 'held';
      }),
    keepForRepeat,
    release: async (now) => (isNew ? write('DELETE FROM facilitated') : keepForRepeat(now)),
  };
};

const attempt = async <Value>(run: () => Promise<Value>): Promise<Result<Value, 'unavailable'>> => {
  try {
    return ok(await run());
  } catch (cause) {
    console.error({ event: 'claim_failed', cause: String(cause) });
    return err('unavailable');
  }
};
