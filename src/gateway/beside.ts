/** What is asked of the gateway beside calls, in a module of its own: a call neither reads nor evaluates it. */
export { delegate } from './delegations.ts';
export { description } from './description.ts';
export { lookUp } from './look-up.ts';
export { revoke } from './revocations.ts';
export { standing } from './standing.ts';
export { takeNamedGrant } from './take-named-grant.ts';
export { topUp } from './top-up.ts';
