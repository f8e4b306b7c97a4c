import type { Context } from '../../durable-objects/account/decision.ts';

/** What an account decides by that has a place in no tree. */
export const ALONE: Omit<Context, 'now' | 'policy' | 'policyHash' | 'salt' | 'transferWith'> = {
  callNamed: () => undefined,
  leaseOf: () => undefined,
  issuedGrant: () => undefined,
  issuedById: () => undefined,
  isRevoked: () => false,
  ownsOthers: () => false,
  issuedCount: () => 0,
  orderOf: () => undefined,
  ordersKept: () => 0,
  documentOf: () => undefined,
  documentNames: () => [],
  commandBytes: 1_073_741_824,
  hasText: () => false,
  leaseParts: () => 1,
  released: () => 0,
  openSince: () => undefined,
};
