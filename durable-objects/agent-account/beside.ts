/** What is asked of an account beside calls, in a module of its own: an account that only takes calls neither reads nor evaluates it. */
export { chargeHere } from './command-budget.ts';
export { children } from './children.ts';
export { documentIn, documentsSince } from './documents.ts';
export { govern } from './govern.ts';
export { lookUp } from './look-up.ts';
export { snapshotOf } from './snapshot.ts';
export { standing } from './standing.ts';
