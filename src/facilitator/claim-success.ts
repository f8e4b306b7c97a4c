import { err, ok, type Result } from '../core/result.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { FinalOutcome, Payment } from '../protocol/payment.ts';

/** The gateway with its database, in which each settlement has one success. */
export type Facilitator = Gateway & { readonly db: D1Database };

type Settled = Extract<FinalOutcome, { readonly outcome: 'settled' }>;

/** Older blocks than this are deleted, by each claim. `settle` searches half as far back (`LOOK_BACK`), so it never finds a deleted one. */
const KEPT_BLOCKS = 100_000;

/**
 * Claims the one `success` of a settlement, by payer and nonce: true for the first request, false for every later one.
 *
 * Attack: a server verifies, runs its tool, and then settles; it serves each request whose settlement succeeds. Copies of one payment that
 * arrive while the nonce is unused all verify. If each of their settlements succeeded, the server would serve every copy.
 *
 * The block of a final transfer does not change, so it may come first in the key: old rows are then one range.
 */
export const claimSuccess = async (
  db: D1Database,
  { token: { network }, authorization: { from, nonce } }: Payment,
  { block }: Settled,
): Promise<Result<boolean, 'unavailable'>> => {
  try {
    const [claimed] = await db.batch([
      db
        .prepare(
          'INSERT OR IGNORE INTO facilitated (network, block, payer, nonce) VALUES (?1, ?2, ?3, ?4)',
        )
        .bind(network, block, from, nonce),
      db
        .prepare('DELETE FROM facilitated WHERE network = ?1 AND block < ?2')
        .bind(network, block - KEPT_BLOCKS),
    ]);
    return ok(claimed?.meta.changes === 1);
  } catch (cause) {
    console.error({ event: 'claim_failed', cause: String(cause) });
    return err('unavailable');
  }
};
