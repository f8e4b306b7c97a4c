import { useRef, useState } from 'preact/hooks';
import type { Report } from '../../../audit/verify/index.ts';
import { gateway } from '../../data/gateway/gateway.ts';
import { type LogAccount, MOST_ACCOUNTS } from '../../data/audit/log-accounts.ts';
import { problemOf } from '../../data/gateway/problem.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import type { Scope } from '../../data/session/scope.ts';
import { CommandLine } from '../../parts/command-line.tsx';
import { Notice } from '../../parts/notice.tsx';
import { type Choice, LogChoice, exportCommand } from './log-choice.tsx';
import { VerdictTable } from './verdict-table.tsx';
import './audit.css';
import '../../parts/stack.css';

type Run =
  | { readonly state: 'idle' }
  | { readonly state: 'running'; readonly text: string; readonly share: number | undefined }
  | { readonly state: 'failed'; readonly why: string }
  | { readonly state: 'done'; readonly report: Report; readonly isCut: boolean };

/** Reads logs and verifies them in the browser, without trusting the gateway. */
export const VerifyLog = ({
  scope,
  accounts,
}: {
  readonly scope: Scope;
  readonly accounts: readonly LogAccount[];
}) => {
  const [choice, setChoice] = useState<Choice>('all');
  const [run, setRun] = useState<Run>({ state: 'idle' });
  const abort = useRef<AbortController>();
  const verify = async (): Promise<void> => {
    const management = gateway.value;
    if (management === undefined) return;
    const { signal } = (abort.current = new AbortController());
    const running = (text: string, share?: number): void =>
      setRun({ state: 'running', text, share });
    running('Reading the log');
    try {
      const [{ readLogFiles }, { verifyInWorker }] = await Promise.all([
        import('../../data/audit/log-files.ts'),
        import('../../data/audit/verify-in-worker.ts'),
      ]);
      const chosen = choice === 'all' ? accounts.map(({ account }) => account) : [choice];
      const { job, isCut } = await readLogFiles(management, chosen, {
        isWhole: choice === 'all' && scope.role === 'operator' && accounts.length <= MOST_ACCOUNTS,
        now: gatewayNow(),
        signal,
        onEntries: (entries) => running(`Read ${entries} entries`),
      });
      const report = await verifyInWorker(job, {
        signal,
        onProgress: ({ entries, bytes, total }) =>
          running(`Verified ${entries} entries`, total === undefined ? undefined : bytes / total),
      });
      setRun({ state: 'done', report, isCut });
    } catch (thrown) {
      setRun(
        signal.aborted
          ? { state: 'idle' }
          : { state: 'failed', why: (await problemOf(thrown)).detail },
      );
    }
  };
  const isRunning = run.state === 'running';
  return (
    <>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void verify();
        }}
      >
        <p>
          This browser reads the entries and recomputes hashes, signatures, prices, limits and the
          tree of the log. The gateway also serves this page, so an auditor should repeat the check
          with the command.
        </p>
        <LogChoice
          label="Log to verify"
          scope={scope}
          {...{ accounts, choice }}
          onChoose={setChoice}
        />
        <div class="acts">
          <button type="submit" class="primary" disabled={isRunning}>
            Verify in this browser
          </button>
          {isRunning ? (
            <button type="button" onClick={() => abort.current?.abort(new Error('stopped'))}>
              Stop
            </button>
          ) : null}
        </div>
      </form>
      <div aria-live="polite">
        {run.state === 'running' ? (
          <p>
            {run.text}{' '}
            {run.share === undefined ? null : (
              <progress value={run.share} aria-label="Share that is verified" />
            )}
          </p>
        ) : null}
        {run.state === 'failed' ? <Notice tone="bad">{run.why}</Notice> : null}
      </div>
      {run.state === 'done' ? (
        <>
          {run.isCut ? (
            <Notice tone="warn">
              <p>
                There are more entries than a browser verifies at once. Verify all of them with:
              </p>
              <CommandLine
                text={`${exportCommand(choice, scope)} && npx countersign audit verify audit --log-key LOG_KEY_FILE`}
              />
            </Notice>
          ) : null}
          <VerdictTable report={run.report} />
        </>
      ) : null}
    </>
  );
};
