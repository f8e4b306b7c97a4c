import { callWords } from './call.ts';
import { commandWords, documentWords } from './command.ts';
import type { DeniedReason } from './denial.ts';
import { gatewayWords } from './gateway.ts';
import { grantWords } from './grant.ts';
import { mismatchWords, proofWords } from './proof.ts';
import type { Reason } from './reason.ts';
import { requestWords, wireWords } from './request.ts';
import { sessionWords } from './session.ts';
import { upstreamWords } from './upstream.ts';
import type { ProblemWords, Words } from './words.ts';

/** The words of every problem except denials, whose words belong to their rule (`src/policy/denial-words.ts`). */
const problemWords: Words<Exclude<Reason, DeniedReason>> = {
  ...wireWords,
  ...mismatchWords,
  ...requestWords,
  ...proofWords,
  ...sessionWords,
  ...callWords,
  ...commandWords,
  ...grantWords,
  ...documentWords,
  ...gatewayWords,
  ...upstreamWords,
};

/** The words of a problem, by its reason; undefined during a deploy, for a problem of a newer release. */
export const wordsOfProblem = (reason: string): ProblemWords | undefined =>
  Object.hasOwn(problemWords, reason)
    ? problemWords[reason as keyof typeof problemWords]
    : undefined;
