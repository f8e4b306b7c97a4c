import type * as z from 'zod/mini';
import type { policySchema } from '../policy/schema.ts';
import { documentOf } from './fields.ts';

/** A policy as JSON (README, "Policy"): amounts as `"$5.00"` or `"5000000u"`. */
export type PolicyDocument = z.input<typeof policySchema>;

/** Read by the account itself, which names what is wrong with it. */
export const policyBody = documentOf<PolicyDocument>('must be a policy, a JSON object');
