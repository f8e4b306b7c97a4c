/** The limit that is the tightest one of a scenario. */
export const KINDS = [
  'day',
  'hour',
  'minute',
  'lifetime',
  'total',
  'grantWindow',
  'manager',
  'own',
  'credit',
  'mixed',
] as const;
export type Kind = (typeof KINDS)[number];

export const SIZES = ['tiny', 'medium', 'large'] as const;
export type Size = (typeof SIZES)[number];
