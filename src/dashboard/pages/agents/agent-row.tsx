import type { ComponentChildren } from 'preact';
import { useListedStanding } from '../../data/accounts/use-listed-standing.ts';
import { useInView } from '../../parts/use-in-view.ts';
import type { Role } from '../../data/session/scope.ts';
import { spendStatus } from '../../../protocol/account/spend-status.ts';
import { statedLimit, tightestLimit } from '../../data/accounts/tightest.ts';
import { decimalOf, symbolOf } from '../../format/amount.ts';
import { ruleName } from '../../../policy/rule-name.ts';
import { nameOf } from '../../format/text.ts';
import type { Standing } from '../../data/accounts/standing.ts';
import { AccountLink } from '../../parts/account-link.tsx';
import { Badge } from '../../parts/badge.tsx';
import { BudgetStrip } from '../../parts/budget-bar.tsx';
import { StatusButton } from '../../parts/status-button.tsx';
import '../../parts/table.css';
import './agent-row.css';

/** An account in a list. `lead`: content before its name. `status`: of its grant or account, from the list. */
export type ListedAgent = {
  readonly account: string;
  readonly label?: string | undefined;
  readonly status: string;
  readonly role: Role;
  readonly lead?: ComponentChildren;
};

const Stated = ({ standing }: { readonly standing: Standing }) => {
  const stated = statedLimit(standing);
  if (stated === undefined) return <span class="muted">no limit on money</span>;
  return (
    <>
      {decimalOf(stated.amount)}{' '}
      <span class="muted">
        {symbolOf(stated.asset)} {ruleName(stated.rule)}
      </span>
    </>
  );
};

const Tightest = ({ standing }: { readonly standing: Standing }) => {
  const status = spendStatus(standing);
  if (status === 'revoked' || status === 'no valid grant') {
    return <span class="muted">may not spend</span>;
  }
  const limit = tightestLimit(standing);
  if (limit === undefined) return <Stated standing={standing} />;
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

/** The standing of the account, read from it while the row is on the screen. */
const SeenCells = ({ account, label, status, role, lead }: ListedAgent) => {
  const { data: standing, refresh } = useListedStanding(account);
  // An operator's list marks names that the operator did not set.
  const name = label ?? standing?.label;
  return (
    <>
      <td class="name">
        {lead}
        <AccountLink account={account} label={name} />
      </td>
      <td>
        <Badge state={standing === undefined ? status : spendStatus(standing)} />
      </td>
      <td class="tightest">{standing === undefined ? null : <Tightest standing={standing} />}</td>
      <td class="drop1">
        {standing === undefined ? null : (
          <StatusButton
            account={account}
            name={nameOf(account, name)}
            role={role}
            standing={standing}
            onDone={refresh}
          />
        )}
      </td>
    </>
  );
};

const UnseenCells = ({ account, label, status, lead }: ListedAgent) => (
  <>
    <td class="name">
      {lead}
      <AccountLink account={account} label={label} />
    </td>
    <td>
      <Badge state={status} />
    </td>
    <td class="tightest muted">{UNREAD.get(status)}</td>
    <td class="drop1" />
  </>
);

/** Agents whose account is not read, and the known limits: the account may not exist yet, and then its issuer may not read it. */
const UNREAD: ReadonlyMap<string, string> = new Map([
  ['offered', 'has not used its grant yet'],
  ['no valid grant', 'may not spend'],
  ['revoked', 'may not spend'],
]);

/** The number of cells in a row. */
export const AGENT_COLUMNS = 4;

/** The heads of the cells that every list of agents begins with. */
export const AgentHeads = () => (
  <>
    <th scope="col">Agent</th>
    <th scope="col">Status</th>
    <th scope="col">Tightest limit</th>
    <th scope="col" class="drop1">
      <span class="unseen">Status</span>
    </th>
  </>
);

/**
 * One agent in a list. Its limits are read only while the row is on the screen: each read wakes the account.
 */
export const AgentRow = (agent: ListedAgent) => {
  const { element, isInView } = useInView<HTMLTableRowElement>();
  return (
    <tr ref={element} class="agent-row">
      {isInView && !UNREAD.has(agent.status) ? (
        <SeenCells {...agent} />
      ) : (
        <UnseenCells {...agent} />
      )}
    </tr>
  );
};
