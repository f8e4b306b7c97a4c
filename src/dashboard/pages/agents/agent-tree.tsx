import { useState } from 'preact/hooks';
import type { ItemOf } from '../../../client/management.ts';
import { firstRows, PAGE_ROWS } from '../../data/reading/list.ts';
import { isUnknown } from '../../data/gateway/problem.ts';
import { LIST_SECONDS, useQuery } from '../../data/reading/query.ts';
import type { Role } from '../../data/session/scope.ts';
import { sessionMemory } from '../../data/reading/session-memory.ts';
import { AGENT_COLUMNS, AgentRow } from './agent-row.tsx';

type Grant = ItemOf<'account.tree'>;
export type Child = Pick<Grant, 'account' | 'status' | 'label'>;

/** Best first: an agent with one valid grant is shown by that grant, whatever the state of its others. */
const RANKS: readonly Grant['status'][] = ['active', 'offered', 'expired', 'revoked'];

/** The agents that hold grants of an account, each once, with the best of its grants. */
export const childrenIn = (grants: readonly Grant[]): readonly Child[] => {
  const children = new Map<string, Child>();
  for (const grant of grants) {
    const known = children.get(grant.account);
    const isBetter =
      known === undefined || RANKS.indexOf(grant.status) < RANKS.indexOf(known.status);
    if (isBetter) children.set(grant.account, grant);
  }
  return [...children.values()];
};

/** The agents to which an account has granted. The API lists grants, so an agent with two of them appears twice in it. */
export const useGrants = (account: string, rows = PAGE_ROWS) =>
  useQuery(
    `tree ${account}`,
    (management, signal) =>
      firstRows(management, 'account.tree', { params: { account } }, rows, signal),
    LIST_SECONDS,
    rows,
  );

const INDENT = 24;

/** Agents whose children are shown. Kept here because rows outside the screen are not rendered, and must reappear as they were. */
const openedAgents = sessionMemory(() => new Set<string>());

/** An agent and, if it is expanded, its children, indented. */
export const Branch = ({
  child: { account, label, status },
  role,
  level,
}: {
  readonly child: Child;
  readonly role: Role;
  readonly level: number;
}) => {
  const opened = openedAgents();
  const [isOpen, setOpen] = useState(opened.has(account));
  const toggle = (): void => {
    if (isOpen) opened.delete(account);
    else opened.add(account);
    setOpen(!isOpen);
  };
  return (
    <>
      <AgentRow
        account={account}
        label={label}
        status={status === 'revoked' || status === 'expired' ? 'no valid grant' : status}
        role={role}
        lead={
          <span class="branch" style={{ paddingLeft: level * INDENT }}>
            <button
              type="button"
              class="icon"
              aria-expanded={isOpen}
              aria-label="Agents below"
              onClick={toggle}
            >
              {isOpen ? '▾' : '▸'}
            </button>
          </span>
        }
      />
      {isOpen ? <Below account={account} role={role} level={level + 1} /> : null}
    </>
  );
};

const Below = ({
  account,
  role,
  level,
}: {
  readonly account: string;
  readonly role: Role;
  readonly level: number;
}) => {
  const { data, problem } = useGrants(account);
  // An agent that has not used its grant has no account that its issuer may read, and no children.
  const isUnread = data === undefined && (problem === undefined || !isUnknown(problem));
  if (isUnread) return null;
  const children = childrenIn(data?.items ?? []);
  if (children.length > 0) {
    return (
      <>
        {children.map((child) => (
          <Branch key={child.account} child={child} role={role} level={level} />
        ))}
      </>
    );
  }
  return (
    <tr>
      <td colSpan={AGENT_COLUMNS} class="muted" style={{ paddingLeft: level * INDENT + INDENT }}>
        No agents below it.
      </td>
    </tr>
  );
};
