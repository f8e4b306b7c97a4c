import { accountNamed, namesOf } from '../lib/account-names.ts';
import { collected, openAdmin } from '../lib/admin-client.ts';
import { defineCommand } from '../lib/command.ts';
import { listed, paintStatus } from '../lib/print.ts';
import { shortTime } from '../lib/times.ts';

const MOST = 10_000;
const STATUSES = ['active', 'paused', 'frozen', 'revoked'] as const;

export const command = defineCommand({
  summary: 'list all accounts of a gateway, as operator',
  options: [
    { flags: '--label <text>', summary: 'only accounts whose label contains this text' },
    {
      flags: '--status <status>',
      summary: 'only accounts with this status',
      choices: STATUSES,
    },
    { flags: '--below <account>', summary: 'only children of this account' },
    { flags: '-n, --limit <number>', summary: 'at most this many (default: 200)' },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
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
    const isNamed = (account: string): boolean =>
      names.known.has(account.slice(account.lastIndexOf(':') + 1));
    out.result({ accounts: items }, () =>
      items.length === 0
        ? 'No account matches.'
        : listed(
            out,
            [
              { title: 'NAME', cut: 'middle' },
              { title: 'STATUS' },
              { title: 'PARENT', cut: 'middle' },
              { title: 'SINCE' },
              { title: 'ACCOUNT', cut: 'middle' },
            ],
            items.map((item) => [
              item.label !== undefined || isNamed(item.account)
                ? names.of(item.account, item.label)
                : '',
              item.status,
              item.parent === undefined ? '' : names.of(item.parent),
              shortTime(item.first_at),
              item.account,
            ]),
            (text, column) => (column === 1 ? paintStatus(out, text) : text),
          ),
    );
  },
});
