import { ok, type Result } from '../../core/result.ts';
import type { Entry } from '../../protocol/entry.ts';
import { closedLeaseSchema } from '../evidence-schema.ts';
import { type EvidenceFault, fault, readAs } from './signed-evidence.ts';

/** Checks the totals of a lease: the borrower returned and spent no more than the account granted (docs/wire-format.md §15). */
export const checkClosedLease = (entry: Entry): Result<undefined, EvidenceFault> => {
  if (entry.evidence !== undefined) return fault('evidence', 'unexpected');
  const read = readAs(closedLeaseSchema, entry, entry.type);
  if (!read.ok) return read;
  for (const { granted, returned, spent } of read.value.outcome.counters) {
    if (BigInt(returned) + BigInt(spent) > BigInt(granted)) {
      return fault('outcome.counters', 'mismatch');
    }
  }
  return ok(undefined);
};
