import { blameOf } from '../../audit/verify/fault-words.ts';
import type { Fault, Finding, Report } from '../../audit/verify/index.ts';
import type { Output, Style } from '../lib/output.ts';
import { listed, sentence } from '../lib/print.ts';
import { counted } from '../lib/text.ts';

/** A report for people: first the broken statements, then one line for each check, then the verdict. */
export const reportText = (report: Report, out: Output): string => {
  const { checks } = report;
  const broken = checks.filter(({ verdict }) => verdict === 'BROKEN');
  const blocks = [
    endsText(checks, out),
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

/** The first line: whether entries may be missing at the ends of chains, which no other check detects. */
const endsText = (checks: readonly Finding[], out: Output): string => {
  const heads = checks.find(({ check }) => check === 'heads');
  if (heads === undefined || heads.verdict === 'BROKEN') return '';
  const { note = '' } = heads;
  const isBroken = checks.some(({ verdict }) => verdict === 'BROKEN');
  // A reader of only this line would take a broken export for an intact one.
  if (isBroken && heads.verdict === 'proved') return '';
  return sentence(
    out,
    heads.verdict === 'proved'
      ? `${out.style.good('whole')}  ${note}`
      : `${out.style.warn('OPEN')}  entries may be missing at the ends of chains: ${note}`,
  );
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

const brokenText = ({ check, first }: Finding, checks: readonly Finding[], out: Output): string => {
  if (first === undefined) return '';
  const { fault, words: why } = blameOf(first, checks);
  const { account, seq } = fault;
  const words = [whatOf(fault), why].filter((text) => text !== '');
  const where = account === undefined || seq === undefined ? '' : ` (${place(fault)})`;
  const joint = fault === first ? ' ' : ': ';
  return sentence(out, `${out.style.bad('BROKEN')}  ${check}: ${words.join(joint)}${where}`);
};

const whatOf = (fault: Fault): string => {
  const { account, seq } = fault;
  if (account === undefined) return place(fault);
  return seq === undefined ? `${place(fault)}, about ${account},` : `entry ${seq} of ${account}`;
};

const verdictText = ({ verdict, entries, accounts, checks }: Report): string => {
  const of = `${entries.toLocaleString('en-US')} ${entries === 1 ? 'entry' : 'entries'} of ${counted(accounts, 'account')}`;
  const bounded = checks.filter((finding) => finding.bounded > 0);
  const count = bounded.reduce((sum, finding) => sum + finding.bounded, 0);
  switch (verdict) {
    case 'BROKEN':
      return `BROKEN: ${of} do not hold together. Keep these files: they may be evidence.`;
    case 'not checked':
      return `INCOMPLETE: nothing in ${of} is broken, but some statements lack their input.`;
    case 'open':
      return `OPEN: nothing in ${of} is broken, but nothing proves that their ends are complete.`;
    case 'bounded':
      return [
        `consistent: nothing in ${of} is broken. The files do not decide ${counted(count, 'statement')}:`,
        ...bounded.map((finding) => `${finding.check}, ${finding.bounded}: ${finding.note ?? ''}`),
      ].join('\n');
    case 'proved':
      return `proved: every statement that was checked in ${of} is true.`;
  }
};
