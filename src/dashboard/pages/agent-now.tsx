import { Link } from 'wouter-preact';
import { useApprovals } from '../data/approvals.ts';
import { firstRows } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import type { PartProps, Standing } from '../data/standing.ts';
import { ruleName } from '../format/rule-name.ts';
import { addressIn, shortened } from '../format/text.ts';
import { Amount } from '../parts/amount.tsx';
import { BudgetBar } from '../parts/budget-bar.tsx';
import { CommandLine } from '../parts/copy.tsx';
import { Empty } from '../parts/empty.tsx';
import { Facts } from '../parts/facts.tsx';
import { Section } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';
import { ApprovalTable } from './approval-table.tsx';
import { CallTable } from './call-table.tsx';
import { Feed } from './feed.tsx';

type Money = Standing['money'][number];

const limitName = (account: string, { rule, account: of }: Money['limits'][number]): string =>
  `${ruleName(rule)}${of === undefined || of === account ? '' : ` for ${shortened(addressIn(of))}`}`;

const MoneyOf = ({ account, money }: { readonly account: string; readonly money: Money }) => (
  <div class="money">
    <Facts
      facts={[
        ['Credit', <Amount atomic={money.credit} asset={money.asset} />],
        ['Held by running calls', <Amount atomic={money.held} asset={money.asset} />],
        ['Not settled yet', <Amount atomic={money.unsettled} asset={money.asset} />],
        [
          'Debt',
          money.debt === '0' ? undefined : <Amount atomic={money.debt} asset={money.asset} />,
        ],
      ]}
    />
    {money.limits.map((limit) => (
      <BudgetBar
        key={`${limit.rule} ${limit.window ?? ''} ${limit.account ?? ''}`}
        name={limitName(account, limit)}
        limit={limit}
        asset={money.asset}
      />
    ))}
  </div>
);

/** An owner without credit: its agents need money of their own, or none of their calls is paid. */
const NoCredit = () => (
  <Empty title="You have no credit.">
    <p>An owner’s credit pays for the calls of its agents. Buy some with the command line:</p>
    <CommandLine
      text={`npx countersign credits top-up 5 --as <your key> --gateway ${location.origin}`}
    />
  </Empty>
);

/** What an account has and may still spend, and what it does now. */
export const AgentNow = ({ account, scope, standing }: PartProps) => {
  const waiting = useApprovals(account);
  const isPoor = standing.money.every(({ credit }) => credit === '0');
  const calls = useQuery(`calls of ${account}`, (management, signal) =>
    firstRows(management, 'account.calls', { params: { account } }, 10, signal),
  );
  return (
    <>
      {waiting.data === undefined || waiting.data.items.length === 0 ? null : (
        <Section title="Waiting for approval">
          <ApprovalTable rows={waiting.data.items} scope={scope} onDecided={waiting.refresh} />
        </Section>
      )}
      <Section title="Money and limits">
        {isPoor && account === scope.account ? <NoCredit /> : null}
        {standing.money.length === 0 ? (
          <Empty title="No money has moved here.">
            <p>The first paid call, top-up or grant opens the account.</p>
          </Empty>
        ) : (
          standing.money.map((money) => (
            <MoneyOf key={money.asset} account={account} money={money} />
          ))
        )}
      </Section>
      <Section title="Live decisions">
        <Feed account={account} />
      </Section>
      <Section title="Newest calls">
        <Result query={calls} rows={6}>
          {({ items }) =>
            items.length === 0 ? <p class="muted">No calls yet.</p> : <CallTable rows={items} />
          }
        </Result>
        <Link href={`/agents/${account}?tab=history`}>All its calls</Link>
      </Section>
    </>
  );
};
