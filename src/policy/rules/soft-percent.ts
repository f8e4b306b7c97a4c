import * as z from 'zod/mini';
import { integer } from '../fields.ts';
import type { Rule } from '../rule.ts';

export type SoftPercentFields = {
  /** Percent of a limit on money at which the account raises an alert; 80 if absent. */
  readonly softPercent?: number;
};

/** Denies nothing: the account raises an alert when its spend crosses the percentage (`durable-objects/account/log/soft-limit.ts`). */
export const softPercent = {
  shape: { softPercent: z.exactOptional(integer(1, 99)) },
  denials: {},
} satisfies Rule<SoftPercentFields, never>;
