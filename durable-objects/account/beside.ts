/** What is asked of an account beside calls, in a module of its own: an account that only takes calls neither reads nor evaluates it. */
export { chargeHere } from './commands/command-budget.ts';
export { children } from './tree/children.ts';
export { documentIn, documentsSince } from './commands/documents.ts';
export { apply } from './commands/apply.ts';
export { lookUp } from './call/look-up.ts';
export { snapshotOf } from './snapshot.ts';
export { standing } from './standing.ts';
