import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useInView, useListedStanding } from '../data/standing-in-view.ts';
import type { Role } from '../data/role.ts';
import { tightestLimit } from '../data/tightest.ts';
import { decimalOf, symbolOf } from '../format/amount.ts';
import { ruleName } from '../format/rule-name.ts';
import { addressIn, shortened, shown } from '../format/text.ts';
import type { Standing } from '../data/standing.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Badge } from '../parts/badge.tsx';
import { BudgetStrip } from '../parts/budget-bar.tsx';
import { StatusDialog } from './status-dialog.tsx';
import '../parts/table.css';
import './agent-row.css';

/** An account in a list. `lead`: what stands before its name. `status`: of its grant or account, as the list has it. */
export type ListedAgent = {
  readonly account: string;
  readonly label?: string | undefined;
  readonly status: string;
  readonly role: Role;
  readonly lead?: ComponentChildren;
};

const Tightest = ({ standing }: { readonly standing: Standing }) => {
  const limit = tightestLimit(standing);
  if (limit === undefined) return <span class="muted">no limit on money</span>;
  const used = BigInt(limit.spent) + BigInt(limit.held);
  return (
    <>
      {decimalOf(used)} <span class="muted">of</span> {decimalOf(BigInt(limit.limit))}{' '}
      <span class="muted rule">
        {symbolOf(limit.asset)} {ruleName(limit.rule)}
      </span>
      <BudgetStrip limit={limit} />
    </>
  );
};

/** What the account itself says, read while the row is on the screen. */
const SeenCells = ({ account, label, status, role, lead }: ListedAgent) => {
  const { data: standing, refresh } = useListedStanding(account);
  const [isOpen, setOpen] = useState(false);
  const name = standing?.label ?? label;
  return (
    <>
      <td>
        {lead}
        <AccountLink account={account} label={name} />
      </td>
      <td>
        <Badge state={standing?.status ?? status} />
      </td>
      <td class="tightest">{standing === undefined ? null : <Tightest standing={standing} />}</td>
      <td>
        {standing === undefined ? null : (
          <button type="button" onClick={() => setOpen(true)}>
            Change
            <span class="unseen">
              {' '}
              the status of {shown(name ?? shortened(addressIn(account)))}
            </span>
          </button>
        )}
        {isOpen && standing !== undefined ? (
          <StatusDialog
            account={account}
            name={shown(name ?? shortened(addressIn(account)))}
            role={role}
            standing={standing}
            onDone={refresh}
            onClose={() => setOpen(false)}
          />
        ) : null}
      </td>
    </>
  );
};

const UnseenCells = ({ account, label, status, lead }: ListedAgent) => (
  <>
    <td>
      {lead}
      <AccountLink account={account} label={label} />
    </td>
    <td>
      <Badge state={status} />
    </td>
    <td class="tightest" />
    <td />
  </>
);

/** The heads of the cells that every list of agents begins with. */
export const AgentHeads = () => (
  <>
    <th scope="col">Agent</th>
    <th scope="col">Status</th>
    <th scope="col">Tightest limit</th>
    <th scope="col">
      <span class="unseen">Change</span>
    </th>
  </>
);

/** One agent in a list. Its limits are read only while the row is on the screen: each read wakes the account. */
export const AgentRow = (agent: ListedAgent) => {
  const { element, isInView } = useInView<HTMLTableRowElement>();
  return (
    <tr ref={element} class="agent-row">
      {isInView ? <SeenCells {...agent} /> : <UnseenCells {...agent} />}
    </tr>
  );
};
