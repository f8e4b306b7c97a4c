import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';

/** A grant that the issuer's account keeps until the delegate consents. */
export type OfferedGrant = {
  readonly hash: Hex;
  readonly issuer: AccountId;
  readonly validUntil: Seconds;
};

/**
 * Finds the issuer of an offered grant by the hash that an intent names in `authority`. The issuer's account stores the grant: a stranger
 * could fill the delegate's account with offers (law 12).
 */
export type OfferedGrants = {
  /** @throws Error if the database does not answer */
  readonly issuerOf: (hash: Hex) => Promise<AccountId | undefined>;
  /** @throws Error if the database does not answer; the audit consumer then inserts the row from the entry of the registration */
  readonly keep: (grant: OfferedGrant) => Promise<void>;
};

export const openOfferedGrants = (db: D1Database): OfferedGrants => ({
  async issuerOf(hash) {
    const row = await db
      .prepare('SELECT issuer FROM offered_grants WHERE hash = ?1')
      .bind(hash)
      .first<{ issuer: AccountId }>();
    return row?.issuer;
  },
  async keep(grant) {
    await insertOfferedGrant(db, grant).run();
  },
});

export const insertOfferedGrant = (
  db: D1Database,
  { hash, issuer, validUntil }: OfferedGrant,
): D1PreparedStatement =>
  db
    .prepare('INSERT OR IGNORE INTO offered_grants (hash, issuer, valid_until) VALUES (?1, ?2, ?3)')
    .bind(hash, issuer, validUntil);

/** Deletes expired grants: a delegate can no longer consent to them. */
export const pruneOfferedGrants = async (db: D1Database, now: Seconds): Promise<void> => {
  await db.prepare('DELETE FROM offered_grants WHERE valid_until <= ?1').bind(now).run();
};
