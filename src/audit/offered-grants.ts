import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { Entry } from '../protocol/entry.ts';
import { factsIf } from '../protocol/log/facts.ts';

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
    await insert(db, grant).run();
  },
});

const insert = (db: D1Database, { hash, issuer, validUntil }: OfferedGrant): D1PreparedStatement =>
  db
    .prepare('INSERT OR IGNORE INTO offered_grants (hash, issuer, valid_until) VALUES (?1, ?2, ?3)')
    .bind(hash, issuer, validUntil);

/** The statement that inserts an offered grant from the entry of its registration; none for other entries. */
export const projectOfferedGrant = (db: D1Database, logged: Entry): D1PreparedStatement[] => {
  const entry = factsIf(logged, 'grant.issued');
  if (entry?.decision !== 'offered') return [];
  const { grant, delegation } = entry.evidence;
  const validUntil = Number(delegation?.validUntil);
  return grant !== undefined && Number.isSafeInteger(validUntil)
    ? [insert(db, { hash: grant as Hex, issuer: entry.account, validUntil })]
    : [];
};

/** Deletes expired grants: a delegate can no longer consent to them. */
export const pruneOfferedGrants = async (db: D1Database, now: Seconds): Promise<void> => {
  await db.prepare('DELETE FROM offered_grants WHERE valid_until <= ?1').bind(now).run();
};
