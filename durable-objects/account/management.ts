/** The code that calls do not need, in a module of its own: an account that only serves calls neither loads nor evaluates it. */
export { openCommands } from './commands/open-commands.ts';
export { documentIn, documentsSince } from './commands/put-document.ts';
export { reserveWithApproval } from './call/park.ts';
export { SCREENING } from './call/screening.ts';
export { lookUp } from './call/look-up.ts';
export { answerRights } from './answer-rights.ts';
export { recheck } from './log/recheck.ts';
export { resendEntries } from './log/resend.ts';
export { snapshotOf } from './snapshot.ts';
export { standing } from './standing.ts';
export { children } from './tree/children.ts';
export { answerLease } from './tree/grant-lease.ts';
export { openRecalls, takeBackAll } from './tree/recalls.ts';
export { endSession, openSessionGate } from './sessions.ts';
