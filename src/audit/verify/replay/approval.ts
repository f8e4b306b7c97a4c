import type { Seconds } from '../../../core/clock.ts';
import type { Source } from '../../../policy/evaluate.ts';
import { asksApproval } from '../../../policy/rules/approve-above.ts';
import type { Entry } from '../../../protocol/entry.ts';
import type { ReplayedCall } from './call.ts';
import { amountOf, objectOf } from './members.ts';

/** How long a call waits for a person, at most (`durable-objects/account/call/park.ts`). */
const PARK_SECONDS: Seconds = 3_600;

/**
 * The fault in how a call was treated under `approveAbove`. A call that waits must list a policy that asks for an approval, and a call that
 * ran without waiting must list none. Undefined without a fault.
 */
export const approvalFault = (
  entry: Entry,
  { price, creditTo }: ReplayedCall,
  sources: readonly Source[],
): string | undefined => {
  const asking = sources.filter(({ policy }) => asksApproval(policy, price));
  const isAsked = asking.length > 0 && creditTo === undefined;
  const { type, rule, outcome = {} } = entry;
  if (type === 'call.accepted') return isAsked && rule !== 'approval' ? 'decision' : undefined;
  if (rule !== 'approval' || !isAsked) return 'rule';
  const isNamed = asking.some(
    ({ origin, policy }) =>
      origin.account === outcome['asked'] && policy.approveAbove?.toString() === outcome['above'],
  );
  if (!isNamed) return 'outcome.above';
  return outcome['until'] === parkEnd(entry) ? undefined : 'outcome.until';
};

/** A payment that has expired can no longer pay for the call. */
const parkEnd = ({ at, evidence }: Entry): Seconds => {
  const validBefore = amountOf(objectOf(evidence?.['authorization'])?.['validBefore']);
  const end = at + PARK_SECONDS;
  return validBefore !== undefined && validBefore < BigInt(end) ? Number(validBefore) : end;
};
