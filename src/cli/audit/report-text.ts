import type { Fault, Finding, Report } from '../../audit/verify/index.ts';
import type { Output, Style } from '../lib/output.ts';
import { listed, sentence } from '../lib/print.ts';
import { counted } from '../lib/text.ts';

/** A report for people: what is broken first, then one line a check, then the verdict. */
export const reportText = (report: Report, out: Output): string => {
  const { checks } = report;
  const broken = checks.filter(({ verdict }) => verdict === 'BROKEN');
  const blocks = [
    broken.map((finding) => brokenText(finding, checks, out)).join('\n'),
    listed(
      out,
      [
        { title: 'check' },
        { title: 'verdict' },
        { title: 'checked', align: 'right' },
        { title: '', cut: 'end' },
      ],
      checks.map((finding) => [
        finding.check,
        finding.verdict,
        finding.checked.toLocaleString('en-US'),
        remark(finding),
      ]),
      (text, column, row) =>
        column === 1 ? painted(out.style, checks[row as number]?.verdict, text) : text,
    ),
    sentence(out, verdictText(report)),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
};

const painted = (
  { good, warn, bad, dim }: Style,
  verdict: Finding['verdict'] | undefined,
  text: string,
) => {
  switch (verdict) {
    case 'proved':
      return good(text);
    case 'bounded':
      return warn(text);
    case 'BROKEN':
      return bad(text);
    case 'not checked':
    case undefined:
      return dim(text);
  }
};

const remark = ({ verdict, bounded, unchecked, note, first }: Finding): string => {
  if (verdict === 'BROKEN') return first === undefined ? '' : place(first);
  const counts = [
    ...(bounded > 0 ? [`${bounded.toLocaleString('en-US')} bounded`] : []),
    ...(unchecked > 0 ? [`${unchecked.toLocaleString('en-US')} not checked`] : []),
  ].join(', ');
  return [counts, note].filter((text) => text !== undefined && text !== '').join(': ');
};

const place = ({ file, line }: Fault): string => (file === '' ? '' : `${file}:${line}`);

/** What is broken, in words. `{field}` stands for the member of the entry. */
const REASONS: Readonly<Record<string, string>> = {
  altered: 'was changed after it was written: the next entry names another hash',
  unlinked: 'does not name the hash of the entry before it: one of the two was changed',
  gap: 'does not follow the entry before it: entries are missing',
  repeated: 'is there twice, or out of order',
  foreign_account: 'belongs to the chain of another account',
  malformed: 'is not an entry: {field} is malformed',
  not_canonical: 'is not in canonical form: a member twice, another order, or spaces',
  not_json: 'is not JSON',
  not_utf8: 'is not UTF-8',
  line_too_long: 'is longer than an entry may be',
  not_gzip: 'cannot be decompressed',
  unreadable: 'cannot be read',
  empty: 'has no entry',
  missing: 'lacks {field}',
  unexpected: 'has {field}, which such an entry does not have',
  mismatch: 'states {field} otherwise than what was signed',
  wrong_signer: 'is not signed by its account: {field}',
  truncated: 'is the last of its account in the files, but the log has later ones',
  not_as_logged: 'differs from what the transparency log has: the chain was rewritten',
  not_in_log:
    'begins an account that the transparency log does not have, though it has later entries',
  forked: 'shows a second history of one account',
  leaf_gap: 'does not continue the leaf before it of its account',
  leaf_missing: 'does not follow the leaf before it: leaves are missing',
  leaf_not_included: 'is not in the tree of the checkpoint',
  other_root: 'does not lead to the root that the checkpoint signs',
  rolled_back: 'is older than the checkpoint that was given',
  other_history: 'does not extend the checkpoint that was given: the log was rewritten',
  differs_from_receipt: 'states {field} otherwise than the receipt of the call',
  entry_missing: 'is a receipt whose entry is not in the chain of its account',
  not_settled: 'is not true: the chain shows the authorization unused',
  other_transfer: 'is not true: the transaction did not move this payment',
  other_block: 'states {field} otherwise than the chain',
  not_found: 'no entry of the files has this hash',
};

const brokenText = ({ check, first }: Finding, checks: readonly Finding[], out: Output): string => {
  if (first === undefined) return '';
  const changed = changedMember(first, checks);
  const fault = changed ?? first;
  const { account, seq, field = '', reason } = fault;
  const known =
    changed === undefined ? REASONS[reason] : '{field} was changed after it was written';
  const why = known ?? `${reason.replaceAll('_', ' ')}${field === '' ? '' : ': {field}'}`;
  const words = [whatOf(fault), why.replace('{field}', field)].filter((text) => text !== '');
  const where = account === undefined || seq === undefined ? '' : ` (${place(fault)})`;
  const joint = changed === undefined ? ' ' : ': ';
  return sentence(out, `${out.style.bad('BROKEN')}  ${check}: ${words.join(joint)}${where}`);
};

const whatOf = (fault: Fault): string => {
  const { account, seq } = fault;
  if (account === undefined) return place(fault);
  return seq === undefined ? `${place(fault)}, about ${account},` : `entry ${seq} of ${account}`;
};

/**
 * The hashes show that one of two entries was changed. If another check blames a member of one of them, that member was: the fault with the place and
 * the name of it.
 */
const changedMember = (
  { account, seq, reason }: Fault,
  checks: readonly Finding[],
): Fault | undefined => {
  if (seq === undefined || (reason !== 'altered' && reason !== 'unlinked')) return undefined;
  const suspects = reason === 'altered' ? [seq] : [seq - 1, seq];
  return checks
    .flatMap(({ check, first }) => (check === 'chain' || first === undefined ? [] : [first]))
    .find(
      (other) =>
        other.account === account &&
        other.field !== undefined &&
        other.seq !== undefined &&
        suspects.includes(other.seq),
    );
};

const verdictText = ({ verdict, entries, accounts, checks }: Report): string => {
  const of = `${entries.toLocaleString('en-US')} ${entries === 1 ? 'entry' : 'entries'} of ${counted(accounts, 'account')}`;
  const bounded = checks.reduce((sum, finding) => sum + finding.bounded, 0);
  switch (verdict) {
    case 'BROKEN':
      return `BROKEN: ${of} do not hold together. Keep these files: they may be evidence.`;
    case 'not checked':
      return `INCOMPLETE: nothing in ${of} is broken, but some statements lack their input.`;
    case 'bounded':
      return `consistent: nothing in ${of} is broken; ${counted(bounded, 'statement')} hang on something that the files cannot show.`;
    case 'proved':
      return `proved: every statement that was checked in ${of} is true.`;
  }
};
