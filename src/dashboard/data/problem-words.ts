import type { CountersignError } from '../../client/errors.ts';
import { errorHint } from '../format/error-hint.ts';
import { filterProblem } from './filter-problem.ts';

/** The failure, and the next step of a person. A rejected filter is named as the page names it. */
export const problemWords = (
  thrown: CountersignError,
): { readonly detail: string; readonly hint: string } => {
  const { problem, message } = thrown;
  const { field } = problem ?? {};
  const ofFilter = typeof field === 'string' ? filterProblem(field, message) : undefined;
  return ofFilter ?? { detail: message, hint: errorHint(thrown) };
};
