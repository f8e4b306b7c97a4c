/** The gateway's own routes for accounts and clients. The Worker loads this module with the first request for one of them. */
export { registerDelegation } from './delegations.ts';
export { description } from './description.ts';
export { lookUp } from './look-ups.ts';
export { revoke } from './revocations.ts';
export { standing } from './look-ups.ts';
export { topUp } from './top-up.ts';
