import { Link } from 'wouter-preact';
import type { Management } from '../../client/management.ts';
import { firstRows } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import { Notice } from '../parts/notice.tsx';
import type { Scope } from '../data/scope.ts';

type Matter = { readonly text: string; readonly href: string };

const MANY = 100;
const counted = (count: number, isMore: boolean, one: string, many: string): string =>
  isMore ? `more than ${MANY} ${many}` : `${count} ${count === 1 ? one : many}`;

/** An open payment that is older than this is late: settlement takes seconds. */
const LATE_SECONDS = 600;

const readMatters = async (
  management: Management,
  { role, account }: Scope,
  signal: AbortSignal,
): Promise<readonly Matter[]> => {
  const matters: Matter[] = [];
  const approvals =
    role === 'operator'
      ? await firstRows(management, 'approvals.list', {}, MANY, signal)
      : await firstRows(management, 'account.approvals', { params: { account } }, MANY, signal);
  if (approvals.items.length > 0) {
    const text = counted(approvals.items.length, approvals.isMore, 'call waits', 'calls wait');
    matters.push({ text: `${text} for your approval`, href: '/approvals' });
  }
  if (role === 'owner') return matters;
  const [open, letters, differences] = await Promise.all([
    firstRows(management, 'settlements.list', { query: { state: 'open' } }, MANY, signal),
    firstRows(management, 'deadletters.list', {}, MANY, signal),
    firstRows(management, 'differences.list', {}, MANY, signal),
  ]);
  const late = open.items.filter(({ age = 0 }) => age > LATE_SECONDS);
  if (late.length > 0) {
    const text = counted(late.length, open.isMore, 'payment has', 'payments have');
    matters.push({ text: `${text} been open for more than ten minutes`, href: '/settlements' });
  }
  if (letters.items.length > 0) {
    const text = counted(letters.items.length, letters.isMore, 'message', 'messages');
    matters.push({ text: `${text} could not be processed`, href: '/settlements' });
  }
  if (differences.items.length > 0) {
    const text = counted(
      differences.items.length,
      differences.isMore,
      'payment differs',
      'payments differ',
    );
    matters.push({ text: `${text} between ledger and chain`, href: '/settlements' });
  }
  return matters;
};

/** What needs a person. Hidden when nothing does. */
export const Attention = ({ scope }: { readonly scope: Scope }) => {
  const { data } = useQuery(`attention ${scope.role} ${scope.account}`, (management, signal) =>
    readMatters(management, scope, signal),
  );
  if (data === undefined || data.length === 0) return null;
  return (
    <section aria-label="Needs attention">
      <Notice tone="warn">
        <ul>
          {data.map(({ text, href }) => (
            <li key={text}>
              <Link href={href}>{text}</Link>
            </li>
          ))}
        </ul>
      </Notice>
    </section>
  );
};
