import type { ComponentType } from 'preact';
import type { PageProps } from '../data/scope.ts';
import { type PartProps, useStanding } from '../data/standing.ts';
import { networkName } from '../../protocol/network-name.ts';
import { addressIn, shortened, shown } from '../format/text.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Badge } from '../parts/badge.tsx';
import { Id } from '../parts/copy.tsx';
import { Facts } from '../parts/facts.tsx';
import { Page } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';
import { type Tab, TabLinks, useTab } from '../parts/tab-links.tsx';
import { AgentBudget } from './agent-budget.tsx';
import { AgentGrants } from './agent-grants.tsx';
import { AgentHistory } from './agent-history.tsx';
import { AgentKeys } from './agent-keys.tsx';
import { AgentNow } from './agent-now.tsx';
import { StatusActs } from './status-acts.tsx';

const TABS: readonly Tab[] = [
  { id: 'now', name: 'Now' },
  { id: 'budget', name: 'Budget' },
  { id: 'grants', name: 'Grants' },
  { id: 'history', name: 'History' },
  { id: 'keys', name: 'Name and key' },
];

const PARTS: Readonly<Record<string, ComponentType<PartProps>>> = {
  now: AgentNow,
  budget: AgentBudget,
  grants: AgentGrants,
  history: AgentHistory,
  keys: AgentKeys,
};

/** One agent: what it may do, what it has left, and what it did. */
export const Agent = ({ scope, params: { account = '' } }: PageProps) => {
  const standing = useStanding(account);
  const tab = useTab(TABS);
  const Part = PARTS[tab] ?? AgentNow;
  const title = standing.data?.label ?? shortened(addressIn(account));
  return (
    <Page title={shown(title)}>
      <Result query={standing} rows={8}>
        {(data) => (
          <>
            <Facts
              facts={[
                ['Status', <Badge state={data.status} />],
                ['Account', <Id text={addressIn(account)} label="the address" />],
                ['Network', networkName(account.slice(0, account.lastIndexOf(':')))],
                [
                  'Owner',
                  data.parent === undefined ? undefined : <AccountLink account={data.parent} />,
                ],
              ]}
            />
            <StatusActs
              account={account}
              role={scope.role}
              standing={data}
              onDone={standing.refresh}
            />
            <TabLinks
              label="About this agent"
              tabs={TABS}
              current={tab}
              path={`/agents/${account}`}
            />
            <Part account={account} scope={scope} standing={data} onDone={standing.refresh} />
          </>
        )}
      </Result>
    </Page>
  );
};
