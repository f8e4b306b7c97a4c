import type { Management } from '../../../client/management.ts';
import type { Standing } from './standing.ts';
import type { Role } from '../session/scope.ts';

export type Status = Standing['status'];
export type StatusAct = { readonly to: Status; readonly verb: string; readonly effect: string };

/** The changes of an account's status, and the effect of each. */
const ACTS: readonly StatusAct[] = [
  {
    to: 'active',
    verb: 'Resume',
    effect:
      'The agent may call again, within its limits. Calls that were denied in the meantime do not run by themselves.',
  },
  {
    to: 'paused',
    verb: 'Pause',
    effect:
      'New calls of this agent and of every agent below it are denied, with the hint to try again later. Running calls may finish. Resume ends the pause.',
  },
  {
    to: 'frozen',
    verb: 'Freeze',
    effect:
      'New calls of this agent and of every agent below it are denied, with the hint not to try again. Running calls may finish. Resume lifts the freeze.',
  },
  {
    to: 'revoked',
    verb: 'Revoke',
    effect: 'The agent is cut off for good, with every agent below it. This cannot be undone.',
  },
];

type Statuses = Pick<Standing, 'status' | 'operator_status' | 'owner_status'>;

/** The changes that this person may make now; none once either has revoked the account. Operator and owner each set a status, and the stricter holds. */
export const statusActs = (
  { status, operator_status: operator, owner_status: owner }: Statuses,
  role: Role,
): readonly StatusAct[] => {
  const own = role === 'operator' ? operator : owner;
  return status === 'revoked' ? [] : ACTS.filter(({ to }) => to !== own);
};

/** Sets the status of an account, in the name of an operator or of its owner. @throws CountersignError */
export const setStatus = async (
  management: Management,
  role: Role,
  account: string,
  status: Status,
): Promise<unknown> =>
  await management.call(role === 'operator' ? 'accounts.status' : 'account.status', {
    params: { account },
    body: { status },
  });

/** The word to type before an action that cannot be undone. */
export const confirmationOf = ({ to }: StatusAct): string | undefined =>
  to === 'revoked' ? 'revoke' : undefined;
