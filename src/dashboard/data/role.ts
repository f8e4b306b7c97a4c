/** The role of the signed-in account at the gateway. */
export type Role = 'operator' | 'owner';
