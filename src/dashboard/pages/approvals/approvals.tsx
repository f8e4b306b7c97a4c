import { Link } from 'wouter-preact';
import { useApproved, useApprovals } from '../../data/calls/approvals.ts';
import type { PageProps } from '../../data/session/scope.ts';
import { Empty } from '../../parts/empty.tsx';
import { Page, Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { ApprovalTable } from '../../parts/approval-table.tsx';
import { ApprovedTable } from './approved-table.tsx';

const NONE = (
  <Empty title="No calls are waiting for approval.">
    <p>
      To approve expensive calls here, choose an agent, and set “Needs approval above” in its
      budget.
    </p>
    <Link href="/agents">Agents</Link>
  </Empty>
);

/** Calls that wait for a person, oldest first: of all accounts for an operator, of a fleet for its owner. */
export const Approvals = ({ scope }: PageProps) => {
  const account = scope.role === 'operator' ? undefined : scope.account;
  const query = useApprovals(account);
  const approved = useApproved(account);
  return (
    <Page title="Approvals">
      <Result query={query} rows={4} unknown={NONE}>
        {({ items }) =>
          items.length === 0 ? (
            NONE
          ) : (
            <ApprovalTable
              rows={items}
              scope={scope}
              onDecided={() => {
                query.refresh();
                approved.refresh();
              }}
            />
          )
        }
      </Result>
      {approved.data === undefined || approved.data.items.length === 0 ? null : (
        <Section title="Approved" note="each runs when its agent repeats the call">
          <ApprovedTable rows={approved.data.items} scope={scope} />
        </Section>
      )}
    </Page>
  );
};
