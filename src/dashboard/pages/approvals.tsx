import { useApprovals } from '../data/approvals.ts';
import type { PageProps } from '../data/scope.ts';
import { Empty } from '../parts/empty.tsx';
import { Page } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';
import { ApprovalTable } from './approval-table.tsx';

/** Calls that wait for a person, oldest first: of all accounts for an operator, of a fleet for its owner. */
export const Approvals = ({ scope }: PageProps) => {
  const query = useApprovals(scope.role === 'operator' ? undefined : scope.account);
  return (
    <Page title="Approvals">
      <Result query={query} rows={4}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No calls are waiting for approval.">
              <p>
                To approve expensive calls here, set “Needs approval above” in the budget of an
                agent.
              </p>
            </Empty>
          ) : (
            <ApprovalTable rows={items} scope={scope} onDecided={query.refresh} />
          )
        }
      </Result>
    </Page>
  );
};
