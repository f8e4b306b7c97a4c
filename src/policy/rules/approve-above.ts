import * as z from 'zod/mini';
import { money } from '../fields.ts';
import type { Rule } from '../rule.ts';

export type ApproveAboveFields = {
  /** A call with a higher price waits until a person approves it, atomic units of the asset that the call is paid in. */
  readonly approveAbove?: bigint;
};

/**
 * Makes calls above a price wait for a person. It has no check here: such a call is neither denied nor run, because the account parks it
 * once every other rule has passed (`durable-objects/account/call/park.ts`). The denials below are for calls that cannot wait.
 */
export const approveAbove = {
  shape: { approveAbove: z.exactOptional(money) },
  denials: {
    approval: {
      subject: 'A person must approve this call, and the gateway can let it wait for no one.',
      hint: 'Bind the payment to the request with the agent-intent extension, so that only your Agent-Retry-Key runs it after the approval. An account that has paid nothing here yet tops up its credit first.',
    },
    approval_queue: {
      subject:
        'A person must approve this call, and too many calls of the account or of its owner wait for an approval.',
      hint: 'Ask the owner to decide the calls that wait, or send the call again after `retry_after` seconds.',
    },
  },
} satisfies Rule<ApproveAboveFields, 'approval' | 'approval_queue'>;

/** Whether a policy makes a call of this price wait for a person. */
export const asksApproval = ({ approveAbove: above }: ApproveAboveFields, price: bigint): boolean =>
  above !== undefined && price > above;
