import { useId, useState } from 'preact/hooks';
import { gateway } from '../../data/gateway/gateway.ts';
import type { LogAccount } from '../../data/audit/log-accounts.ts';
import { problemOf } from '../../data/gateway/problem.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { saveFile } from '../../data/audit/save-file.ts';
import type { Scope } from '../../data/session/scope.ts';
import { addressIn } from '../../format/text.ts';
import { dayOf, daysBefore } from '../../format/time.ts';
import { CommandLine } from '../../parts/command-line.tsx';
import { Field } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { type Choice, LogChoice, exportCommand } from './log-choice.tsx';
import '../../parts/stack.css';

type Format = 'ndjson' | 'csv';

const MEDIA: Readonly<Record<Format, string>> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
};

const NO_DAYS = 'To export, choose a first day that is not after the last one.';
const NO_ENTRIES = 'To export entries as NDJSON, choose one account.';

/** Files for auditors and for books: the entries of one account, or calls as a table. */
export const ExportLog = ({
  scope,
  accounts,
}: {
  readonly scope: Scope;
  readonly accounts: readonly LogAccount[];
}) => {
  const today = dayOf(gatewayNow());
  const [choice, setChoice] = useState<Choice>('all');
  const [from, setFrom] = useState(daysBefore(today, 29));
  const [to, setTo] = useState(today);
  const [state, setState] = useState<{ readonly busy?: Format; readonly problem?: string }>({});
  const save = async (format: Format): Promise<void> => {
    const management = gateway.value;
    if (management === undefined) return;
    setState({ busy: format });
    try {
      const { exportedParts } = await import('../../data/audit/export-parts.ts');
      const everything = scope.role === 'operator' ? 'all' : accounts.map((each) => each.account);
      const chosen = choice === 'all' ? everything : [choice];
      const parts = await exportedParts(management, { accounts: chosen, format, from, to });
      const name = choice === 'all' ? 'all' : addressIn(choice);
      const kind = format === 'csv' ? 'calls' : 'entries';
      saveFile(`${kind}-${name}-${from}-${to}.${format}`, parts, MEDIA[format]);
      setState({});
    } catch (thrown) {
      setState({ problem: (await problemOf(thrown)).detail });
    }
  };
  const isReading = state.busy !== undefined;
  const noDays = from === '' || to === '' || from > to ? NO_DAYS : undefined;
  const noEntries = noDays ?? (choice === 'all' ? NO_ENTRIES : undefined);
  const why = useId();
  const days = [
    { label: 'From (UTC day)', value: from, set: setFrom },
    { label: 'To (UTC day)', value: to, set: setTo },
  ];
  return (
    <div class="stack">
      <LogChoice
        label="Log to export"
        scope={scope}
        {...{ accounts, choice }}
        onChoose={setChoice}
      />
      <div class="filters">
        {days.map(({ label, value, set }) => (
          <Field
            key={label}
            label={label}
            control={(described) => (
              <input
                {...described}
                type="date"
                value={value}
                max={today}
                onChange={(event) => set(event.currentTarget.value)}
              />
            )}
          />
        ))}
      </div>
      {state.problem === undefined ? null : <Notice tone="bad">{state.problem}</Notice>}
      <div class="acts">
        <button
          type="button"
          disabled={isReading || noDays !== undefined}
          aria-describedby={noDays === undefined ? undefined : why}
          onClick={() => void save('csv')}
        >
          {state.busy === 'csv' ? 'Reading' : 'Calls as CSV'}
        </button>
        <button
          type="button"
          disabled={isReading || noEntries !== undefined}
          aria-describedby={noEntries === undefined ? undefined : why}
          onClick={() => void save('ndjson')}
        >
          {state.busy === 'ndjson' ? 'Reading' : 'Entries as NDJSON'}
        </button>
      </div>
      {noEntries === undefined ? null : <p id={why}>{noEntries}</p>}
      <p class="muted">
        This command writes everything that an auditor needs, for logs of any size:
      </p>
      <CommandLine text={exportCommand(choice, scope)} />
    </div>
  );
};
