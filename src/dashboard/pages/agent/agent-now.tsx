import { Link } from 'wouter-preact';
import { lacksCredit, ownAccountOf } from '../../data/accounts/own-account.ts';
import { useApprovals } from '../../data/calls/approvals.ts';
import { listAddress } from '../../data/navigation/filters.ts';
import { firstRows } from '../../data/reading/list.ts';
import { useQuery } from '../../data/reading/query.ts';
import type { Standing } from '../../data/accounts/standing.ts';
import type { PartProps } from './part-props.ts';
import { ruleName } from '../../../policy/rule-name.ts';
import { addressIn, shortened } from '../../format/text.ts';
import { Amount } from '../../parts/amount.tsx';
import { BudgetBar } from '../../parts/budget-bar.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Facts } from '../../parts/facts.tsx';
import { NoCredit } from '../../parts/no-credit.tsx';
import { Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { ApprovalTable } from '../../parts/approval-table.tsx';
import { AgentCallTable } from '../../parts/call-table.tsx';
import { Feed } from './feed.tsx';
import { PayingCredit } from './paying-credit.tsx';

type Money = Standing['money'][number];

/** A limit by its rule. With several grants in force, also names the grant that sets it. */
const limitName = (
  { account, grants }: Pick<Standing, 'account' | 'grants'>,
  { rule, account: of, grant }: Money['limits'][number],
): string => {
  const valid = grants.filter(({ status }) => status === 'active');
  const isDefault = valid.find(({ hash }) => hash === grant)?.is_default === true;
  const which =
    grant === undefined || valid.length < 2
      ? ''
      : ` ${shortened(grant)}${isDefault ? ' (default)' : ''}`;
  const whose = of === undefined || of === account ? '' : ` for ${shortened(addressIn(of))}`;
  return `${ruleName(rule)}${which}${whose}`;
};

const MoneyOf = ({ standing, money }: { readonly standing: Standing; readonly money: Money }) => (
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
        key={`${limit.rule} ${limit.window ?? ''} ${limit.account ?? ''} ${limit.grant ?? ''}`}
        name={limitName(standing, limit)}
        limit={limit}
        asset={money.asset}
      />
    ))}
  </div>
);

/** The money of an account, its remaining limits, and its running calls. */
export const AgentNow = ({ account, scope, standing, onBuy }: PartProps) => {
  const waiting = useApprovals(account);
  const isOwn = account === scope.account;
  const isPoor = lacksCredit(ownAccountOf(standing));
  // Credit of a revoked account could never be spent.
  const mayBuy = standing.status !== 'revoked' && (isOwn ? !isPoor : scope.role === 'owner');
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
        {isPoor && isOwn ? <NoCredit onBuy={onBuy} /> : null}
        {standing.parent === undefined ? null : <PayingCredit parent={standing.parent} />}
        {standing.money.length === 0 ? (
          <Empty title="No money has moved here.">
            <p>What is spent and left of each limit appears with the first paid call.</p>
          </Empty>
        ) : (
          standing.money.map((money) => (
            <MoneyOf key={money.asset} standing={standing} money={money} />
          ))
        )}
        {mayBuy ? (
          <p>
            <button type="button" onClick={onBuy}>
              Buy credit
            </button>
          </p>
        ) : null}
      </Section>
      <Section title="Live decisions">
        <Feed account={account} />
      </Section>
      <Section title="Recent calls">
        <Result query={calls} rows={6}>
          {({ items }) =>
            items.length === 0 ? (
              <p class="muted">No calls yet.</p>
            ) : (
              <AgentCallTable rows={items} />
            )
          }
        </Result>
        <p>
          <Link href={`/agents/${account}?tab=history`}>All calls of this agent</Link>
          {' · '}
          <Link href={listAddress('/denials', { account })}>Denied calls</Link>
        </p>
      </Section>
    </>
  );
};
