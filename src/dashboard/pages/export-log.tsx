import { useState } from 'preact/hooks';
import { gateway } from '../data/gateway.ts';
import type { LogAccount } from '../data/log-accounts.ts';
import { problemOf } from '../data/query.ts';
import { gatewayNow } from '../data/reader.ts';
import { saveFile } from '../data/save-file.ts';
import type { Scope } from '../data/scope.ts';
import { addressIn } from '../format/text.ts';
import { dayOf, daysBefore } from '../format/time.ts';
import { CommandLine } from '../parts/copy.tsx';
import { Field } from '../parts/field.tsx';
import { Notice } from '../parts/notice.tsx';
import { type Choice, LogChoice } from './log-choice.tsx';
import '../parts/stack.css';

type Format = 'ndjson' | 'csv';

const MEDIA: Readonly<Record<Format, string>> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
};

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
  const isOwnersAll = choice === 'all' && scope.role === 'owner';
  const account = isOwnersAll ? scope.account : choice;
  const save = async (format: Format): Promise<void> => {
    const management = gateway.value;
    if (management === undefined) return;
    setState({ busy: format });
    try {
      const { exportedParts } = await import('../data/export-parts.ts');
      const parts = await exportedParts(management, { account, format, from, to });
      const name = account === 'all' ? 'all' : addressIn(account);
      const kind = format === 'csv' ? 'calls' : 'entries';
      saveFile(`${kind}-${name}-${from}-${to}.${format}`, parts, MEDIA[format]);
      setState({});
    } catch (thrown) {
      setState({ problem: problemOf(thrown).detail });
    }
  };
  const days = [
    { label: 'From (UTC day)', value: from, set: setFrom },
    { label: 'To (UTC day)', value: to, set: setTo },
  ];
  return (
    <div class="stack">
      <LogChoice
        label="Log to export"
        allName={scope.role === 'operator' ? 'All accounts' : 'My account'}
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
          disabled={state.busy !== undefined || from > to || from === ''}
          onClick={() => void save('csv')}
        >
          {state.busy === 'csv' ? 'Reading' : 'Calls as CSV'}
        </button>
        <button
          type="button"
          disabled={state.busy !== undefined || account === 'all' || from > to || from === ''}
          onClick={() => void save('ndjson')}
        >
          {state.busy === 'ndjson' ? 'Reading' : 'Entries as NDJSON'}
        </button>
      </div>
      <p class="muted">
        {account === 'all' ? 'To export entries as NDJSON, choose one account. ' : ''}
        This command writes everything that an auditor needs, for logs of any size:
      </p>
      <CommandLine text={`npx countersign audit export ${commandScope(account, scope)} -o audit`} />
    </div>
  );
};

const commandScope = (account: string, { role }: Scope): string => {
  if (account !== 'all') return role === 'operator' ? `${account} --operator` : account;
  return role === 'operator' ? '--all --operator' : '--fleet';
};
