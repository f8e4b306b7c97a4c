import { errorPages } from '../../client/error-words.ts';
import type { CountersignError } from '../../client/errors.ts';
import { pageHint } from './page-hint.ts';

/** The next step of a person, in words of a page. */
export const errorHint = ({ code, problem }: CountersignError): string =>
  problem?.type === undefined ? errorPages[code] : pageHint(problem);
