import type { Input } from '../command.ts';
import { collected, openOffice } from '../manage/office.ts';
import { listed } from '../manage/show.ts';
import { shortTime } from '../manage/times.ts';
import { accountNamed, namesOf } from '../manage/who.ts';
import type { Output } from '../output.ts';
import type { Session } from '../session.ts';

const MOST = 10_000;

/** `accounts list`: all that a gateway knows, as operator. */
export const listAccounts = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const office = await openOffice(session, 'operator');
  const most = input.number('limit', 1, MOST) ?? 200;
  const [label, below] = [input.text('label'), input.text('below')];
  const status = STATUSES.find((each) => each === input.text('status'));
  const query = {
    limit: Math.min(most, 500),
    ...(label === undefined ? {} : { label }),
    ...(status === undefined ? {} : { status }),
    ...(below === undefined ? {} : { parent: await accountNamed(office, below) }),
  };
  const items = await collected(office, office.list('accounts.list', { query }), most);
  const names = await namesOf(session);
  out.result({ accounts: items }, () =>
    items.length === 0
      ? 'No accounts of that kind.'
      : listed(
          out,
          [
            { title: 'NAME', cut: 'middle' },
            { title: 'STATUS' },
            { title: 'BELOW', cut: 'middle' },
            { title: 'SINCE' },
            { title: 'ACCOUNT', cut: 'middle' },
          ],
          items.map((item) => [
            item.label !== undefined ||
            names.known.has(item.account.slice(item.account.lastIndexOf(':') + 1))
              ? names.of(item.account, item.label)
              : '',
            item.status,
            item.parent === undefined ? '' : names.of(item.parent),
            shortTime(item.first_at),
            item.account,
          ]),
          (text, column) => (column === 1 ? statusPaint(out, text) : text),
        ),
  );
};

const STATUSES = ['active', 'paused', 'frozen', 'revoked'] as const;

export const statusPaint = ({ style }: Output, status: string): string => {
  if (status === 'active') return style.good(status);
  return status === 'paused' ? style.warn(status) : style.bad(status);
};
