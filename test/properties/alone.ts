import type { Context } from '../../durable-objects/account/decision.ts';
import { NOTHING } from '../../durable-objects/store/overlay.ts';

/** What an account decides by that has a place in no tree. */
export const ALONE: Omit<Context, 'now' | 'policy' | 'policyHash' | 'salt'> = {
  read: NOTHING,
  commandBytes: 1_073_741_824,
  leaseParts: () => 1,
  released: () => 0,
  openSince: () => undefined,
};
