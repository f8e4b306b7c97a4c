import * as z from 'zod/mini';
import { money } from '../fields.ts';
import type { Rule } from '../rule.ts';

export type ExposureFields = {
  /** The maximum of accepted, unsettled money of the account itself, atomic units (law 7). */
  readonly exposure?: bigint;
};

/**
 * Limits accepted, unsettled money. It has no check here: only the account knows its open payments
 * (`durable-objects/account/call/funding.ts`).
 */
export const exposure = {
  shape: { exposure: z.exactOptional(money) },
  denials: {
    exposure: {
      subject: 'Too many accepted payments of this account have not settled yet.',
      hint: 'Wait `retry_after` seconds for earlier payments to settle on the chain, then sign and send the call again.',
    },
  },
} satisfies Rule<ExposureFields, 'exposure'>;
