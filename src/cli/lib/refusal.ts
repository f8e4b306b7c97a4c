import type { CountersignError } from '../../client/errors.ts';
import { isProblem } from '../../client/problem-body.ts';
import { CliError, problemError } from './errors.ts';
import { EXIT } from './exit-code.ts';

/** A refusal of the management API as an error. Where somebody else was faster it says so, and what to do. */
export const refusalOf = (refused: CountersignError): CliError => {
  const { problem, response } = refused;
  const error = problemError(response?.status ?? 0, problem);
  if (isProblem(problem, 'precondition-failed') || isProblem(problem, 'precondition-required')) {
    return new CliError(
      'Somebody else has changed it meanwhile. The gateway wrote nothing of yours.',
      {
        hint: 'Look at what is there now, and run the command again if it still holds.',
        code: error.code,
        details: error.details,
        cause: refused,
      },
    );
  }
  if (isProblem(problem, 'unknown-account')) {
    return new CliError('The gateway knows no such account, or none that you may see.', {
      hint: 'Check the account, and --as: owners see their own tree, operators everything.',
      exit: EXIT.failed,
      code: error.code,
      cause: refused,
    });
  }
  return error;
};

/** Whether an error is the gateway's refusal of this name. */
export const isRefusal = (thrown: unknown, code: string): boolean =>
  thrown instanceof CliError && thrown.code === code;
