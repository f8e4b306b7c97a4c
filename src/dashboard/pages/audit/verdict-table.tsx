import { blameOf } from '../../../audit/verify/fault-words.ts';
import type { CheckId, Finding, Report } from '../../../audit/verify/index.ts';
import { counted } from '../../format/amount.ts';
import { addressIn, shortened, shown } from '../../format/text.ts';
import { Badge } from '../../parts/badge.tsx';
import { CommandLine } from '../../parts/command-line.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Table } from '../../parts/table.tsx';

/** The statement of each check, true if it holds. */
const STATEMENTS: Readonly<Record<CheckId, string>> = {
  form: 'Each line is an entry in canonical form',
  chain: 'Each entry names the one before it, and none is missing',
  signatures: 'Agents and people signed what the entries say',
  calls: 'Each call ran and ended once',
  payments: 'Payments, refunds and credit add up',
  prices: 'Prices are those that the tool published',
  limits: 'Each accepted call was within its limits',
  denials: 'Each denial was right',
  totals: 'No limit was exceeded in any period',
  settlements: 'The chain moved what the entries say',
  receipts: 'Receipts and entries agree',
  log: 'The transparency log has the same entries',
  heads: 'No entry is missing at the end',
  contains: 'The log has one given entry',
};

/** Inputs that a browser does not have. */
const ABSENT: Partial<Readonly<Record<CheckId, string>>> = {
  settlements: 'needs access to the chain: run the command with --rpc',
  receipts: 'needs receipts: verify one on the page of its call',
};

const noteOf = ({ check, verdict, bounded, unchecked, note }: Finding): string => {
  const absent = ABSENT[check];
  if (verdict === 'not checked' && absent !== undefined) return absent;
  const count = verdict === 'bounded' ? bounded : unchecked;
  const amount = count > 0 ? `${counted(count, 'statement')}: ` : '';
  return note === undefined ? '' : `${amount}${shown(note)}`;
};

/** Hide the check for a given entry, because this page never names one. The page of a call proves its entry. */
const isAsked = ({ check, verdict }: Finding): boolean =>
  check !== 'contains' || verdict !== 'not checked';

const SUMMARY: Readonly<Record<Report['verdict'], string>> = {
  proved: 'Every statement that was checked is true.',
  bounded:
    'No statement is false. “Bounded” is no fault: part of the statement depends on facts that these files cannot show, such as leases between accounts, contract signatures, or entries newer than the checkpoint.',
  open: 'No statement is false, but nothing here proves that the last entries are complete: an auditor needs the key of the log from a source other than this page.',
  'not checked':
    'No statement is false. Some could not be checked, because their input is missing.',
  BROKEN:
    'At least one statement is false. Export the entries and keep them: they may be evidence.',
};

/** The first false statement of each check that found one. */
const Faults = ({ report }: { readonly report: Report }) => {
  const broken = report.checks.filter(({ verdict }) => verdict === 'BROKEN');
  if (broken.length === 0) return null;
  return (
    <Notice tone="bad">
      <ul>
        {broken.map((finding) => {
          if (finding.first === undefined) return null;
          const { fault, words } = blameOf(finding.first, report.checks);
          const { account, seq, file, line } = fault;
          const place =
            account === undefined || seq === undefined
              ? `Line ${line} of ${shown(file)}`
              : `Entry ${seq} of ${shortened(addressIn(account))}`;
          return (
            <li key={finding.check}>
              <strong>{place}</strong> {shown(words)}.
            </li>
          );
        })}
      </ul>
    </Notice>
  );
};

/** The findings of a verification: false statements first, then a line a check. */
export const VerdictTable = ({ report }: { readonly report: Report }) => (
  <section aria-label="What was found" class="found">
    <p>
      <Badge state={report.verdict === 'BROKEN' ? 'broken' : report.verdict} />{' '}
      <strong>{SUMMARY[report.verdict]}</strong>{' '}
      <span class="muted">
        {report.entries} entries of {report.accounts}{' '}
        {report.accounts === 1 ? 'account' : 'accounts'}.
      </span>
    </p>
    <Faults report={report} />
    <Table<Finding>
      caption="The checks"
      rows={report.checks.filter(isAsked)}
      keyOf={({ check }) => check}
      columns={[
        { head: 'Statement', cell: ({ check }) => STATEMENTS[check] },
        {
          head: 'Verdict',
          cell: ({ verdict }) => <Badge state={verdict === 'BROKEN' ? 'broken' : verdict} />,
        },
        { head: 'Checked', isNumber: true, drop: 1, cell: ({ checked }) => checked },
        { head: 'Note', drop: 1, cell: (finding) => <span class="note">{noteOf(finding)}</span> },
      ]}
    />
    <p class="muted">
      An auditor repeats this offline on the folder that the command below “Export” writes, with a
      key and a checkpoint of their own:
    </p>
    <CommandLine text="npx countersign audit verify audit --log-key LOG_KEY_FILE --checkpoint CHECKPOINT_FILE" />
  </section>
);
