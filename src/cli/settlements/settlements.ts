import type { Hex } from '../../core/hex.ts';
import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { dollars } from '../lib/amounts.ts';
import { collected, openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import { changedText, listed, roomOf } from '../lib/print.ts';
import { isoTime, shortTime } from '../lib/times.ts';
import type { ItemOf } from '../../management/types.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';
import { fields } from '../lib/table.ts';
import { lasting, printable } from '../lib/text.ts';

const STATES = ['open', 'kept', 'settled', 'failed', 'released'] as const;
const MOST = 1000;

/** `settlements list`: payments, the newest first, and how they ended. */
export const listSettlements = async (session: Session, input: Input): Promise<void> => {
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
    items.length === 0 ? 'No payments of that kind.' : tableOf(session, items, names.of),
  );
};

type Item = ItemOf<'settlements.list'>;

/** How long, how often, by whom and why only where something waits: what has ended has none of it. */
const tableOf = (
  { out }: Session,
  items: readonly Item[],
  nameOf: (account: Item['account']) => string,
): string => {
  const waits = items.some(({ age }) => age !== undefined);
  return listed(
    out,
    [
      { title: 'WHEN' },
      { title: 'ACCOUNT', cut: 'middle' },
      { title: 'TOOL', cut: 'end' },
      { title: 'AMOUNT', align: 'right' },
      { title: 'STATE' },
      ...(waits
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
      nameOf(item.account),
      item.tool ?? '',
      dollars(item.amount),
      item.state,
      ...(waits
        ? [
            item.age === undefined ? '' : lasting(item.age),
            item.attempts?.toString() ?? '',
            item.backend ?? '',
            item.last_error ?? '',
          ]
        : []),
      item.call,
    ]),
    (text, column, row) => (column === 4 ? paintOf(out.style, items[row]?.state)(text) : text),
  );
};

const paintOf = (style: Session['out']['style'], state: string | undefined) =>
  state === 'settled'
    ? style.good
    : state === 'open' || state === 'kept'
      ? style.warn
      : state === 'failed'
        ? style.bad
        : style.dim;

export const callIn = (text: string | undefined): Hex => {
  const call = (text ?? '').toLowerCase();
  if (/^0x[0-9a-f]{64}$/.test(call)) return call as Hex;
  throw usageError(
    'That is no call id.',
    'Give 0x and 64 hex digits, as `settlements list` shows them.',
  );
};

/** `settlements show`: all that is known of one payment. */
export const showSettlement = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const call = callIn(input.arguments[1]);
  const admin = await openAdmin(session, 'operator');
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  const { body } = await admin.call('settlements.get', { params: { account, call } });
  const { settlement, entries, complete, dead_letters: letters = [] } = body;
  out.result(body, () =>
    [
      fields(
        [
          ['account', settlement.account],
          ['call', settlement.call],
          ['state', settlement.state],
          ['amount', dollars(settlement.amount)],
          ['tool', settlement.tool],
          [
            'credited',
            settlement.credited === undefined ? undefined : dollars(settlement.credited),
          ],
          ['age', settlement.age === undefined ? undefined : lasting(settlement.age)],
          ['tries', settlement.attempts?.toString()],
          ['backend', settlement.backend],
          [
            'last error',
            settlement.last_error === undefined
              ? undefined
              : `${settlement.last_error}, ${shortTime(settlement.last_error_at)}`,
          ],
          ['in', settlement.transaction],
          ['fault', settlement.fault],
          ['reason', settlement.reason],
        ],
        out.style.dim,
        roomOf(out),
      ),
      '',
      ...entries.map(
        (entry) =>
          `${out.style.dim(isoTime(entry.at))}  ${entry.type}${entry.decision === undefined ? '' : `, ${entry.decision}`}`,
      ),
      ...letters.map(
        (letter) =>
          `${out.style.dim(isoTime(letter.at))}  ${out.style.warn('dead letter')}, ${printable(letter.reason)}; \`settlements resend ${printable(letter.id)}\` sends it again`,
      ),
      ...(complete === false ? [out.style.dim('Entries between are archived.')] : []),
    ].join('\n'),
  );
};

/** `settlements redrive` and `write-off`. */
export const orderSettlement = async (
  session: Session,
  input: Input,
  order: 'redrive' | 'write-off',
): Promise<void> => {
  const { out } = session;
  const call = callIn(input.arguments[1]);
  const reason = input.text('reason');
  if (order === 'write-off' && reason === undefined)
    throw usageError('--reason is missing.', 'Give --reason, for whoever reads the log.');
  const admin = await openAdmin(session, 'operator');
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  const params = { account, call };
  warnIfStopped(admin);
  const { body } =
    order === 'redrive'
      ? await admin.call('settlements.redrive', { params })
      : await admin.call('settlements.writeoff', { params, body: { reason: reason ?? '' } });
  const what =
    order === 'redrive' ? 'sent to be settled again' : 'written off: its payer owes nothing';
  out.result({ account, call, ...body }, () => changedText(out, body.changed, what));
};
