import type { CountersignError } from '../../../client/errors.ts';
import { errorHint } from '../../format/error-hint.ts';

/** The fields above a list by their names in a query. */
const FIELDS: Readonly<Record<string, string>> = {
  account: 'Agent',
  tool: 'Tool',
  rule: 'Rule',
  from: 'From',
  to: 'To',
  endedFrom: 'Ended from',
  endedTo: 'Ended to',
};

/** A filter that the gateway rejected, in the words of the page. */
const filterProblem = (
  field: string,
  detail: string,
): { readonly detail: string; readonly hint: string } | undefined => {
  const [, name = ''] = /^query\.(\w+)$/.exec(field) ?? [];
  const label = FIELDS[name];
  if (label === undefined) return undefined;
  const rule = detail.slice(field.length + 1);
  return rule === 'must not be after to.'
    ? { detail: '“From” is after “To”.', hint: 'Choose an earlier first day, or a later last day.' }
    : { detail: `“${label}” ${rule}`, hint: 'Correct this field, or clear it.' };
};

/** The failure, and the next step of a person. Names a rejected filter as the page does. */
export const problemWords = (
  thrown: CountersignError,
): { readonly detail: string; readonly hint: string } => {
  const { problem, message } = thrown;
  const { field } = problem ?? {};
  const ofFilter = typeof field === 'string' ? filterProblem(field, message) : undefined;
  return ofFilter ?? { detail: message, hint: errorHint(thrown) };
};
