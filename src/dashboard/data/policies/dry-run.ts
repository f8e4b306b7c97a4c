import type { PolicyDocument } from '../../../management/policy.route.ts';
import { useQuery } from '../reading/query.ts';
import { type PolicySlot, writePolicy } from './stored-policy.ts';

/** A review asks the gateway once. */
const ONCE_SECONDS = 3600;

/** The account's answer to a policy before it is signed: whether it would accept the policy, and the effect on running calls. */
export const useDryRun = (slot: PolicySlot, document: PolicyDocument, etag: string | undefined) =>
  useQuery(
    `dry run ${slot.account} ${slot.role} ${etag ?? ''} ${JSON.stringify(document)}`,
    async (management) => await writePolicy(management, slot, { document, etag, dryRun: true }),
    ONCE_SECONDS,
  );
