import type { ComponentType } from 'preact';
import { Link } from 'wouter-preact';
import { spendStatus } from '../../../protocol/account/spend-status.ts';
import { isUnknown } from '../../data/gateway/problem.ts';
import type { Standing } from '../../data/accounts/standing.ts';
import type { PageProps, Scope } from '../../data/session/scope.ts';
import { useStanding } from '../../data/accounts/use-standing.ts';
import type { PartProps } from './part-props.ts';
import { networkName } from '../../../protocol/network-name.ts';
import { addressIn, labelShown, nameOf, networkIn } from '../../format/text.ts';
import { AccountLink } from '../../parts/account-link.tsx';
import { Badge } from '../../parts/badge.tsx';
import { useCreditDialog } from '../../parts/credit/use-credit-dialog.tsx';
import { Id } from '../../parts/id.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Page } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { type Tab, TabLinks, useTab } from './tab-links.tsx';
import { AgentBudget } from './agent-budget.tsx';
import { AgentGrants } from './agent-grants.tsx';
import { AgentHistory } from './agent-history.tsx';
import { AgentKeys } from './agent-keys.tsx';
import { AgentNow } from './agent-now.tsx';
import { StatusButton } from '../../parts/status-button.tsx';
import { UnknownAgent } from './unknown-agent.tsx';

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

const unnamedTitle = (account: string, scope: Scope, standing: Standing | undefined): string => {
  if (account === scope.account) return 'Your account';
  if (standing === undefined) return 'Agent';
  return standing.parent === undefined ? 'Unnamed account' : 'Unnamed agent';
};

/** Why an account spends nothing, by its status. */
const STOPPED: Readonly<Record<string, string>> = {
  revoked:
    'This account is revoked for good: every call of it and of the agents below it is denied.',
  'no valid grant':
    'This account holds no valid grant: every call is denied until its owner grants it another budget.',
};

/** One agent: its rights, its remaining limits, and its calls. */
export const Agent = ({ scope, params: { account = '' } }: PageProps) => {
  const standing = useStanding(account);
  const tab = useTab(TABS);
  const Part = PARTS[tab] ?? AgentNow;
  const { onBuy, dialog } = useCreditDialog({
    account,
    name: account === scope.account ? undefined : nameOf(account, standing.data?.label),
    onBought: standing.refresh,
  });
  if (
    standing.data === undefined &&
    standing.problem !== undefined &&
    isUnknown(standing.problem)
  ) {
    return (
      <>
        <UnknownAgent account={account} scope={scope} onBuy={onBuy} />
        {dialog}
      </>
    );
  }
  const label = labelShown(standing.data?.label);
  return (
    <>
      <Page title={label ?? unnamedTitle(account, scope, standing.data)}>
        <Result query={standing} rows={8}>
          {(data) => (
            <>
              <Facts
                facts={[
                  [
                    'Status',
                    <span class="status">
                      <Badge state={spendStatus(data)} />{' '}
                      <StatusButton
                        account={account}
                        name={nameOf(account, data.label)}
                        role={scope.role}
                        standing={data}
                        onDone={standing.refresh}
                      />
                    </span>,
                  ],
                  ['Account', <Id text={addressIn(account)} label="the address" />],
                  [
                    'Name',
                    label === undefined ? (
                      <Link href={`/agents/${account}?tab=keys`}>Name it</Link>
                    ) : undefined,
                  ],
                  ['Network', networkName(networkIn(account))],
                  [
                    'Owner',
                    data.parent === undefined ? undefined : <AccountLink account={data.parent} />,
                  ],
                ]}
              />
              {STOPPED[spendStatus(data)] === undefined ? null : (
                <Notice tone="warn">{STOPPED[spendStatus(data)]}</Notice>
              )}
              <TabLinks
                label="About this agent"
                tabs={TABS}
                current={tab}
                path={`/agents/${account}`}
              />
              <Part
                account={account}
                scope={scope}
                standing={data}
                onDone={standing.refresh}
                onBuy={onBuy}
              />
            </>
          )}
        </Result>
      </Page>
      {dialog}
    </>
  );
};
