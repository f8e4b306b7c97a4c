import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { type GrantRow, offeredRows } from '../../data/grants/grant-rows.ts';
import { useOwnIssued } from '../../data/grants/own-issued.ts';
import type { Scope } from '../../data/session/scope.ts';
import { networkName } from '../../../protocol/network-name.ts';
import { addressIn, nameOf, networkIn } from '../../format/text.ts';
import { Badge } from '../../parts/badge.tsx';
import { Id } from '../../parts/id.tsx';
import { Empty, NoAgentsYet } from '../../parts/empty.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Page, Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { AgentNeeds } from './agent-needs.tsx';
import { GrantTable } from './grant-table.tsx';
import { RevokeGrant } from './revoke-grant.tsx';

const Nothing = ({
  account,
  scope,
  onBuy,
}: {
  readonly account: string;
  readonly scope: Scope;
  readonly onBuy: () => void;
}) => {
  if (scope.role === 'operator') {
    return (
      <Empty title="No account has this address yet.">
        <p>An account appears when it uses a grant, buys credit or pays for a call.</p>
      </Empty>
    );
  }
  return account === scope.account ? (
    <>
      <NoAgentsYet what="Your first grant, purchase of credit or paid call opens your account. Then this page shows your credit and your budget." />
      <p class="acts">
        <button type="button" onClick={onBuy}>
          Buy credit
        </button>
      </p>
    </>
  ) : (
    <Empty title="There is no such account, or it is not yours.">
      <p>You see your own account, and the agents that you granted a budget to.</p>
      <Link href="/agents/new">Make an agent</Link>
    </Empty>
  );
};

const Offers = ({
  account,
  name,
  rows,
  issuer,
  onChange,
}: {
  readonly account: string;
  readonly name: string;
  readonly rows: readonly GrantRow[];
  readonly issuer: string;
  readonly onChange: () => void;
}) => {
  const [chosen, setChosen] = useState<GrantRow>();
  const [revoking, setRevoking] = useState<GrantRow>();
  const [news, setNews] = useState<string>();
  const offered = rows.filter(({ status }) => status === 'offered');
  const grant = offered.find(({ hash }) => hash === chosen?.hash) ?? offered.at(0);
  return (
    <>
      {news === undefined ? null : <p role="status">{news}</p>}
      <Section
        title="Grants offered to it"
        note="A grant takes effect with the first call that names it."
      >
        <GrantTable
          caption="Grants offered to it"
          rows={rows}
          acts={{
            isMine: (of) => of === issuer,
            onHandOver: offered.length < 2 ? undefined : setChosen,
            onRevoke: setRevoking,
          }}
        />
      </Section>
      {grant === undefined ? null : <AgentNeeds {...grant} />}
      {revoking === undefined ? null : (
        <RevokeGrant
          grant={revoking}
          account={account}
          name={name}
          onRevoked={(text) => {
            setNews(text);
            onChange();
          }}
          onClose={() => setRevoking(undefined)}
        />
      )}
    </>
  );
};

/** An agent that the gateway does not show: the reader has offered it a grant, or it is unknown. */
export const UnknownAgent = ({
  account,
  scope,
  onBuy,
}: {
  readonly account: string;
  readonly scope: Scope;
  readonly onBuy: () => void;
}) => {
  const issued = useOwnIssued(scope);
  const label = issued.data?.items.find((each) => each.account === account)?.label;
  const name = nameOf(account, label);
  return (
    <Page title={account === scope.account ? 'Your account' : name}>
      <Result query={issued} rows={6}>
        {({ items }) => {
          const rows = offeredRows(items, scope.account, account, []);
          const isOffered = rows.some(({ status }) => status === 'offered');
          return rows.length === 0 ? (
            <Nothing account={account} scope={scope} onBuy={onBuy} />
          ) : (
            <>
              <Facts
                facts={[
                  ['Status', <Badge state={isOffered ? 'offered' : 'no valid grant'} />],
                  ['Account', <Id text={addressIn(account)} label="the address" />],
                  ['Network', networkName(networkIn(account))],
                ]}
              />
              <Offers
                account={account}
                name={name}
                rows={rows}
                issuer={scope.account}
                onChange={issued.refresh}
              />
            </>
          );
        }}
      </Result>
    </Page>
  );
};
