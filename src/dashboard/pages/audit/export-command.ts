import type { Scope } from '../../data/scope.ts';
import type { Choice } from './log-choice.tsx';

const logsOf = (choice: Choice, { role }: Scope): string => {
  if (choice !== 'all') return role === 'operator' ? `${choice} --operator` : choice;
  return role === 'operator' ? '--all --operator' : '--fleet';
};

/** The command that exports the chosen logs into the folder `audit`. */
export const exportCommand = (choice: Choice, scope: Scope): string =>
  `npx countersign audit export ${logsOf(choice, scope)} --gateway ${location.origin} -o audit`;
