/** The code that no call needs, in a module of its own: an account that only serves calls neither loads nor evaluates it. */
export { apply } from './commands/apply.ts';
export { chargeHere } from './commands/command-budget.ts';
export { documentIn, documentsSince } from './commands/put-document.ts';
export { lookUp } from './call/look-up.ts';
export { answerRights } from './answer-rights.ts';
export { snapshotOf } from './snapshot.ts';
export { standing } from './standing.ts';
export { children } from './tree/children.ts';
