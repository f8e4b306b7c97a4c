import type { ProblemBody } from '../../client/errors.ts';
import { wordsOfRule } from '../../policy/denial-words.ts';

/** The next step of the caller of a denied call, by the rule that denied it. During a deploy the gateway may have rules of a newer release. */
export const denialHint = ({ rule, retry_after: after }: ProblemBody, wait: string): string => {
  const words = typeof rule === 'string' ? wordsOfRule(rule)?.page : undefined;
  if (words === undefined) return 'Ask the owner of the budget about this rule.';
  return typeof words === 'string' ? words : words(after === undefined ? undefined : wait);
};
