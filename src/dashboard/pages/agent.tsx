import { Link } from 'wouter-preact';
import { firstRows } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import type { PageProps } from '../data/scope.ts';
import { networkName } from '../../protocol/network-name.ts';
import { addressIn, shortened, shown, worded } from '../format/text.ts';
import { momentOf } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Amount } from '../parts/amount.tsx';
import { Badge } from '../parts/badge.tsx';
import { BudgetBar } from '../parts/budget-bar.tsx';
import { Id } from '../parts/copy.tsx';
import { Empty } from '../parts/empty.tsx';
import { Facts } from '../parts/facts.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';
import { Table } from '../parts/table.tsx';
import { CallTable } from './call-table.tsx';
import { Feed } from './feed.tsx';
import { StatusActs } from './status-acts.tsx';

/** How often the standing of one account is read while somebody looks at it. */
const STANDING_SECONDS = 5;

/** One agent: what it may do, what it has left, and what it did. */
export const Agent = ({ scope: { role }, params: { account = '' } }: PageProps) => {
  const standing = useQuery(
    `standing ${account}`,
    async (management, signal) =>
      (await management.call('account.get', { params: { account }, signal })).body,
    STANDING_SECONDS,
  );
  const calls = useQuery(`calls of ${account}`, (management, signal) =>
    firstRows(management, 'account.calls', { params: { account } }, 10, signal),
  );
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
            <StatusActs account={account} role={role} standing={data} onDone={standing.refresh} />
            <Section title="Money and limits">
              {data.money.length === 0 ? (
                <Empty title="No money has moved here.">
                  <p>The first paid call, top-up or grant begins the account.</p>
                </Empty>
              ) : (
                data.money.map((money) => (
                  <div key={money.asset} class="money">
                    <Facts
                      facts={[
                        ['Credit', <Amount atomic={money.credit} asset={money.asset} />],
                        ['Held by calls', <Amount atomic={money.held} asset={money.asset} />],
                        [
                          'Not settled yet',
                          <Amount atomic={money.unsettled} asset={money.asset} />,
                        ],
                        [
                          'Debt',
                          money.debt === '0' ? undefined : (
                            <Amount atomic={money.debt} asset={money.asset} />
                          ),
                        ],
                      ]}
                    />
                    {money.limits.map((limit) => (
                      <BudgetBar
                        key={`${limit.rule} ${limit.window ?? ''} ${limit.account ?? ''}`}
                        name={`${worded(limit.rule)}${limit.account === undefined || limit.account === account ? '' : ` of ${shortened(addressIn(limit.account))}`}`}
                        limit={limit}
                        asset={money.asset}
                      />
                    ))}
                  </div>
                ))
              )}
            </Section>
            <Section title="Rules that bind it">
              <Table<(typeof data.policies)[number]>
                caption="Policies"
                rows={data.policies}
                keyOf={({ kind, hash }) => `${kind} ${hash}`}
                columns={[
                  { head: 'From', cell: ({ kind }) => worded(kind) },
                  {
                    head: 'Written by',
                    cell: ({ kind, account: by }) =>
                      kind === 'default' ? 'this gateway' : <AccountLink account={by} />,
                  },
                  {
                    head: 'Hash',
                    drop: 1,
                    cell: ({ hash }) => <Id text={hash} label="the hash" />,
                  },
                  {
                    head: 'Text',
                    cell: ({ policy }) => (
                      <details>
                        <summary>show</summary>
                        <pre>{JSON.stringify(policy, undefined, 1)}</pre>
                      </details>
                    ),
                  },
                ]}
              />
            </Section>
            {data.grants.length === 0 ? null : (
              <Section title="Grants it holds">
                <Table<(typeof data.grants)[number]>
                  caption="Grants"
                  rows={data.grants}
                  keyOf={({ hash }) => hash}
                  columns={[
                    {
                      head: 'Grant',
                      cell: ({ id }) => <Id text={id} label="the id of the grant" />,
                    },
                    { head: 'From', cell: ({ issuer }) => <AccountLink account={issuer} /> },
                    { head: 'Status', cell: ({ status }) => <Badge state={status} /> },
                    { head: 'Valid until', drop: 1, cell: ({ valid_until: at }) => momentOf(at) },
                  ]}
                />
              </Section>
            )}
          </>
        )}
      </Result>
      <Section title="Live">
        <Feed account={account} />
      </Section>
      <Section title="Newest calls">
        <Result query={calls} rows={6}>
          {({ items }) =>
            items.length === 0 ? <p class="muted">No call yet.</p> : <CallTable rows={items} />
          }
        </Result>
        <Link href="/calls">All calls</Link>
      </Section>
    </Page>
  );
};
