import type { Input } from '../lib/command.ts';
import { collected, openAdmin } from '../lib/admin-client.ts';
import { listed } from '../lib/print.ts';
import { shortTime } from '../lib/times.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import type { Output } from '../lib/output.ts';
import type { Session } from '../lib/session.ts';

const MOST = 10_000;

/** `accounts list`: all that a gateway knows, as operator. */
export const listAccounts = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, 'operator');
  const most = input.number('limit', 1, MOST) ?? 200;
  const [label, below] = [input.text('label'), input.text('below')];
  const status = STATUSES.find((each) => each === input.text('status'));
  const query = {
    limit: Math.min(most, 500),
    ...(label === undefined ? {} : { label }),
    ...(status === undefined ? {} : { status }),
    ...(below === undefined ? {} : { parent: await accountNamed(admin, below) }),
  };
  const items = await collected(admin, admin.list('accounts.list', { query }), most);
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
