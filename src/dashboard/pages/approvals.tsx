import { useState } from 'preact/hooks';
import type { ItemOf } from '../../client/management.ts';
import { useAct } from '../data/act.ts';
import { firstRows } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import { gatewayNow } from '../data/reader.ts';
import { shown } from '../format/text.ts';
import { agoOf, momentOf } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Amount } from '../parts/amount.tsx';
import { Empty } from '../parts/empty.tsx';
import { Page } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';
import { Table } from '../parts/table.tsx';
import { Notice } from '../parts/notice.tsx';
import type { PageProps } from '../data/scope.ts';

type Waiting = ItemOf<'approvals.list'>;
type Decision = 'approve' | 'refuse';

/** Calls that wait for a person, oldest first. The wallet signs each decision for exactly one call. */
export const Approvals = ({ scope }: PageProps) => {
  const { isAsking, problem, carryOut } = useAct();
  const [asked, setAsked] = useState<string | undefined>(undefined);
  const query = useQuery(
    `approvals ${scope.role} ${scope.account}`,
    (management, signal) =>
      scope.role === 'operator'
        ? firstRows(management, 'approvals.list', {}, 100, signal)
        : firstRows(
            management,
            'account.approvals',
            { params: { account: scope.account } },
            100,
            signal,
          ),
    5,
  );
  const decide = async ({ account, call }: Waiting, decision: Decision): Promise<void> => {
    setAsked(call);
    const params = { account, call };
    const prefix = scope.role === 'operator' ? 'approvals' : 'account';
    const isDone = await carryOut((management) =>
      decision === 'approve'
        ? management.call(`${prefix}.approve`, { params })
        : management.call(`${prefix}.refuse`, { params, body: {} }),
    );
    if (isDone) query.refresh();
  };
  const now = gatewayNow();
  return (
    <Page title="Approvals">
      {problem === undefined ? null : <Notice tone="bad">{problem}</Notice>}
      <Result query={query} rows={4}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No call waits for a person.">
              <p>
                A policy with <code>approveAbove</code> holds each call above an amount until
                somebody approves it here.
              </p>
            </Empty>
          ) : (
            <Table<Waiting>
              caption="Calls that wait for a person"
              rows={items}
              keyOf={({ call }) => call}
              columns={[
                {
                  head: 'Waits',
                  cell: ({ parked_at: at, expires_at: until }) => (
                    <time title={`until ${momentOf(until)}`}>{agoOf(at, now)}</time>
                  ),
                },
                { head: 'Agent', cell: ({ account }) => <AccountLink account={account} /> },
                { head: 'Tool', drop: 1, cell: ({ tool }) => shown(tool) },
                {
                  head: 'Price',
                  isNumber: true,
                  cell: ({ price, asset }) => <Amount atomic={price} asset={asset} />,
                },
                {
                  head: 'Decide',
                  cell: (waiting) => (
                    <span class="acts">
                      <button
                        type="button"
                        class="primary"
                        disabled={isAsking}
                        onClick={() => void decide(waiting, 'approve')}
                      >
                        {isAsking && asked === waiting.call ? 'Confirm in the wallet' : 'Approve'}
                      </button>
                      <button
                        type="button"
                        disabled={isAsking}
                        onClick={() => void decide(waiting, 'refuse')}
                      >
                        Refuse
                      </button>
                    </span>
                  ),
                },
              ]}
            />
          )
        }
      </Result>
    </Page>
  );
};
