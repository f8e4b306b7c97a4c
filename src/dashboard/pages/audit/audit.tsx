import type { PageProps } from '../../data/session/scope.ts';
import { readLogAccounts } from '../../data/audit/log-accounts.ts';
import { useQuery } from '../../data/reading/query.ts';
import { Page, Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { CheckpointFacts } from './checkpoint-facts.tsx';
import { ExportLog } from './export-log.tsx';
import { VerifyLog } from './verify-log.tsx';

const HOUR_SECONDS = 3600;

/** The audit trail: its signed checkpoint, the verification of the logs, and files for auditors. */
export const Audit = ({ scope }: PageProps) => {
  const accounts = useQuery(
    `log accounts ${scope.role} ${scope.account}`,
    (management, signal) => readLogAccounts(management, scope, signal),
    HOUR_SECONDS,
  );
  return (
    <Page title="Audit">
      <Section title="The log">
        <CheckpointFacts />
      </Section>
      <Result query={accounts} rows={3}>
        {(known) => (
          <>
            <Section title="Verify the log">
              <VerifyLog scope={scope} accounts={known} />
            </Section>
            <Section title="Export">
              <ExportLog scope={scope} accounts={known} />
            </Section>
          </>
        )}
      </Result>
    </Page>
  );
};
