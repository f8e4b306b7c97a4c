import type { Hex } from '../core/hex.ts';
import type { Entry } from '../protocol/entry.ts';
import { factsIf } from '../protocol/log/facts.ts';
import { insertOfferedGrant } from './offered-grants.ts';

/* Beside the reader of offered grants: every isolate loads that one, and only the audit consumer the declarations of entries. */

/** The statement that inserts an offered grant from the entry of its registration; none for other entries. */
export const projectOfferedGrant = (db: D1Database, logged: Entry): D1PreparedStatement[] => {
  const entry = factsIf(logged, 'grant.issued');
  if (entry?.decision !== 'offered') return [];
  const { grant, delegation } = entry.evidence;
  const validUntil = Number(delegation?.validUntil);
  return grant !== undefined && Number.isSafeInteger(validUntil)
    ? [insertOfferedGrant(db, { hash: grant as Hex, issuer: entry.account, validUntil })]
    : [];
};
