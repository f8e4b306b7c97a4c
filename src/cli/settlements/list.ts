import { accountNamed, type Names, namesOf } from '../lib/account-names.ts';
import { collected, openAdmin } from '../lib/admin-client.ts';
import { dollars } from '../lib/amounts.ts';
import { defineCommand } from '../lib/command.ts';
import type { Output, Style } from '../lib/output.ts';
import { listed } from '../lib/print.ts';
import { lasting } from '../lib/text.ts';
import { shortTime } from '../lib/times.ts';
import type { ItemOf } from '../../management/routes.ts';

const STATES = ['open', 'kept', 'settled', 'failed', 'released'] as const;
const MOST = 1000;

export const command = defineCommand({
  summary: 'list payments and their state, newest first, as operator',
  options: [
    { flags: '--state <state>', summary: 'only payments in this state', choices: STATES },
    { flags: '--account <account>', summary: 'only payments of this account' },
    { flags: '-n, --limit <number>', summary: 'at most this many (default: 50)' },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    const state = STATES.find((each) => each === input.text('state'));
    const named = input.text('account');
    const account = named === undefined ? undefined : await accountNamed(admin, named);
    const most = input.number('limit', 1, MOST) ?? 50;
    const query = {
      limit: Math.min(most, 500),
      ...(state === undefined ? {} : { state }),
      ...(account === undefined ? {} : { account }),
    };
    const items = await collected(admin, admin.list('settlements.list', { query }), most);
    const names = await namesOf(session);
    out.result({ settlements: items }, () =>
      items.length === 0 ? 'No payment matches.' : tableOf(out, items, names),
    );
  },
});

/** Age, attempts, backend and error are shown only if some payment still waits: the others have none. */
const tableOf = (
  out: Output,
  items: readonly ItemOf<'settlements.list'>[],
  names: Names,
): string => {
  const someWait = items.some(({ age }) => age !== undefined);
  return listed(
    out,
    [
      { title: 'WHEN' },
      { title: 'ACCOUNT', cut: 'middle' },
      { title: 'TOOL', cut: 'end' },
      { title: 'AMOUNT', align: 'right' },
      { title: 'STATE' },
      ...(someWait
        ? ([
            { title: 'AGE', align: 'right' },
            { title: 'TRIES', align: 'right' },
            { title: 'BACKEND', cut: 'end' },
            { title: 'LAST ERROR', cut: 'end' },
          ] as const)
        : []),
      { title: 'CALL', cut: 'middle' },
    ],
    items.map((item) => [
      shortTime(item.at),
      names.of(item.account),
      item.tool ?? '',
      dollars(item.amount),
      item.state,
      ...(someWait
        ? [
            item.age === undefined ? '' : lasting(item.age),
            item.attempts?.toString() ?? '',
            item.backend ?? '',
            item.last_error ?? '',
          ]
        : []),
      item.call,
    ]),
    (text, column, row) => (column === 4 ? stateStyle(out.style, items[row]?.state)(text) : text),
  );
};

const stateStyle = (style: Style, state: string | undefined): Style['good'] => {
  if (state === 'settled') return style.good;
  if (state === 'open' || state === 'kept') return style.warn;
  return state === 'failed' ? style.bad : style.dim;
};
