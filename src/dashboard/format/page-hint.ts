import type { ProblemBody } from '../../client/errors.ts';
import { nowSeconds, type Seconds } from '../../core/clock.ts';
import { wordsOfProblem } from '../../protocol/problem/problem-words.ts';
import { RELOAD } from '../../protocol/problem/words.ts';
import { wordsOfRule } from '../../policy/denial-words.ts';
import { shown } from './text.ts';
import { waitText } from './wait-text.ts';

/** The next step of the caller of a denied call, by the rule that denied it. During a deploy the gateway may have rules of a newer release. */
const denialHint = ({ rule, retry_after: after }: ProblemBody, wait: string): string => {
  const words = typeof rule === 'string' ? wordsOfRule(rule)?.page : undefined;
  if (words === undefined) return 'Ask the owner of the budget about this rule.';
  return typeof words === 'string' ? words : words(after === undefined ? undefined : wait);
};

/** The next step of a person after a problem of the gateway, in words of a page: times instead of members of the answer. */
export const pageHint = (problem: ProblemBody, now: Seconds = nowSeconds()): string => {
  const reason = (problem.type ?? '').replace('urn:countersign:problem:', '').replaceAll('-', '_');
  const { retry_after: after } = problem;
  const wait = typeof after === 'number' ? waitText(after, now) : 'Wait a moment';
  if (reason === 'denied') return denialHint(problem, wait);
  const { page } = wordsOfProblem(reason) ?? RELOAD;
  return typeof page === 'string' ? page : shown(page(problem, wait));
};
