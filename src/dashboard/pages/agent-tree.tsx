import { useState } from 'preact/hooks';
import type { ItemOf } from '../../client/management.ts';
import { firstRows, PAGE_ROWS } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import type { Role } from '../data/role.ts';
import { AgentRow } from './agent-row.tsx';

type Grant = ItemOf<'account.tree'>;
export type Child = { readonly account: string; readonly status: Grant['status'] };

/** Best first: an agent with one grant that works is shown by it, whatever became of the others. */
const RANKS: readonly Grant['status'][] = ['active', 'offered', 'expired', 'revoked'];

/** The agents among the grants of an account, each once, by the best of its grants. */
export const childrenIn = (grants: readonly Grant[]): readonly Child[] => {
  const children = new Map<string, Child>();
  for (const { account, status } of grants) {
    const known = children.get(account);
    const isBetter = known === undefined || RANKS.indexOf(status) < RANKS.indexOf(known.status);
    if (isBetter) children.set(account, { account, status });
  }
  return [...children.values()];
};

/** The agents that an account has granted to. A list of grants: an agent with two of them is in it twice. */
export const useGrants = (account: string, rows = PAGE_ROWS) =>
  useQuery(`tree ${account} ${rows}`, (management, signal) =>
    firstRows(management, 'account.tree', { params: { account } }, rows, signal),
  );

const INDENT = 24;

/** An agent and, once it is opened, those below it, indented. */
export const Branch = ({
  child: { account, status },
  role,
  level,
}: {
  readonly child: Child;
  readonly role: Role;
  readonly level: number;
}) => {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <AgentRow
        account={account}
        status={status}
        role={role}
        lead={
          <span class="branch" style={{ paddingLeft: level * INDENT }}>
            <button
              type="button"
              class="icon"
              aria-expanded={isOpen}
              aria-label="Agents below"
              onClick={() => setOpen(!isOpen)}
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
  const { data } = useGrants(account);
  if (data === undefined) return null;
  const children = childrenIn(data.items);
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
      <td colSpan={4} class="muted" style={{ paddingLeft: level * INDENT + INDENT }}>
        No agents below it.
      </td>
    </tr>
  );
};
