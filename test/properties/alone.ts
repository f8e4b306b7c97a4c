import type { Context } from '../../durable-objects/account/decision.ts';
import { NOTHING } from '../../durable-objects/store/overlay.ts';

/** The context of an account without parent and children. */
export const ALONE: Omit<Context, 'now' | 'policy' | 'policyHash' | 'salt'> = {
  read: NOTHING,
  commandBytes: 1_073_741_824,
  leaseParts: () => 1,
  released: () => 0,
  openSince: () => undefined,
  characters: () => 0,
};
