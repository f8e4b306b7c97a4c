import type { AnswerOf, ItemOf } from '../management/routes.ts';
import { parseAccountId } from '../protocol/account-id.ts';
import { accountNamed, type Names, namesOf } from './lib/accounts.ts';
import { datedList, openAdmin, roleOf, warnIfStopped } from './lib/admin-client.ts';
import { AS_OPERATOR, type Command, type CommandGroup, REASON } from './lib/command.ts';
import { usageError } from './lib/errors.ts';
import { callIn, reasonIn } from './lib/input.ts';
import type { Output } from './lib/output.ts';
import { asOfLine, listed, proseWidth, sentence } from './lib/print.ts';
import { fields, printable } from './lib/text.ts';
import { amountIn, dollars, isoTime, shortTime } from './lib/units.ts';
import { CALL, PAYER } from './settlements/repair.ts';

const STATES = ['held', 'committed', 'released', 'abandoned'] as const;
const MAX_CALLS = 1000;

const list: Command = {
  summary: 'list calls, newest first, as operator',
  options: [
    { flags: '--account <account>', summary: 'only calls of this account' },
    { flags: '--tool <tool>', summary: 'only calls of this tool' },
    { flags: '--state <state>', summary: 'only calls in this state', choices: STATES },
    { flags: '-n, --limit <number>', summary: 'at most this many (default: 50)' },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out, now } = session;
    const admin = await openAdmin(session, 'operator');
    const state = STATES.find((each) => each === input.text('state'));
    const [named, tool] = [input.text('account'), input.text('tool')];
    const account = named === undefined ? undefined : await accountNamed(admin, named);
    const most = input.number('limit', 1, MAX_CALLS) ?? 50;
    const query = {
      limit: Math.min(most, 500),
      ...(state === undefined ? {} : { state }),
      ...(tool === undefined ? {} : { tool }),
      ...(account === undefined ? {} : { account }),
    };
    const { items, asOf } = await datedList(
      admin,
      (onPage) => admin.list('calls.list', { query, onPage }),
      most,
    );
    const names = await namesOf(session);
    out.result({ calls: items, as_of: asOf }, () =>
      [
        items.length === 0 ? 'No call matches.' : tableOf(out, items, names),
        asOfLine(out, asOf, now()),
      ].join('\n'),
    );
  },
};

/** Refunds are rare: their column is there only if some call has one. */
const tableOf = (out: Output, items: readonly ItemOf<'calls.list'>[], names: Names): string => {
  const someRefunded = items.some(({ refunded }) => refunded !== undefined);
  return listed(
    out,
    [
      { title: 'WHEN' },
      { title: 'ACCOUNT', cut: 'middle' },
      { title: 'TOOL', cut: 'end' },
      { title: 'CHARGED', align: 'right' },
      ...(someRefunded ? ([{ title: 'REFUNDED', align: 'right' }] as const) : []),
      { title: 'STATE' },
      { title: 'CALL', cut: 'middle' },
    ],
    items.map((item) => [
      shortTime(item.accepted_at),
      names.of(item.account),
      item.tool ?? '',
      dollars(item.charged),
      ...(someRefunded ? [dollars(item.refunded)] : []),
      item.state,
      item.call,
    ]),
  );
};

const show: Command = {
  summary: 'show one call: charge, payment, refunds',
  arguments: [PAYER, CALL],
  options: [AS_OPERATOR],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const id = callIn(input.arguments[1]);
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const { body } = await admin.call('account.call', { params: { account, call: id } });
    const { call, settlement } = body;
    out.result(body, () =>
      fields(
        [
          ['account', call.account],
          ['call', call.call],
          ['tool', call.tool],
          [
            'state',
            call.reason === undefined ? call.state : `${call.state}: ${printable(call.reason)}`,
          ],
          ['price', call.price === undefined ? undefined : dollars(call.price)],
          ['charged', call.charged === undefined ? undefined : dollars(call.charged)],
          ['refunded', call.refunded === undefined ? undefined : dollars(call.refunded)],
          ['paid by', call.paid_by],
          ['payment', settlement?.state],
          ['in', settlement?.transaction],
          ['accepted', call.accepted_at === undefined ? undefined : isoTime(call.accepted_at)],
        ],
        out.style.dim,
        proseWidth(out),
      ),
    );
  },
};

const refund: Command = {
  summary: 'give back what a call was charged, as credit of its payer, as operator',
  arguments: [PAYER, CALL],
  options: [
    {
      flags: '--amount <amount>',
      summary: 'only this part: dollars, 0.05, or atomic units, 50000u (default: all)',
    },
    { flags: '--transfer', summary: 'also print the transfer that pays the credit out on chain' },
    REASON,
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const call = callIn(input.arguments[1]);
    const reason = reasonIn(input);
    const given = input.text('amount');
    const amount = given === undefined ? undefined : amountIn(given, '--amount');
    if (amount === 0n) throw usageError('--amount is zero.', 'Give an amount above zero.');
    const admin = await openAdmin(session, 'operator');
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    warnIfStopped(admin);
    const { body } = await admin.call('calls.refund', {
      params: { account, call },
      body: { reason, ...(amount === undefined ? {} : { amount: amount.toString() }) },
    });
    const names = await namesOf(session);
    const transfer = input.flag('transfer') ? transferOf(body) : undefined;
    out.result({ ...body, ...(transfer === undefined ? {} : { transfer }) }, () =>
      [
        `${out.style.good('done')}  ${refundText(body, names)}`,
        ...(transfer === undefined ? [] : [sentence(out, transferText(transfer))]),
      ].join('\n'),
    );
  },
};

type Refunded = AnswerOf<'calls.refund'>;

const refundText = (
  { amount, refunded, charged, credited_to: to, credit }: Refunded,
  names: Names,
): string => {
  const has = credit === undefined ? '' : `, which has ${dollars(credit)} now`;
  const part = refunded === charged ? '' : ` (${dollars(refunded)} of ${dollars(charged)} so far)`;
  return `refunded ${dollars(amount)}${part} as credit of ${names.of(to)}${has}`;
};

type Transfer = Readonly<Record<'account' | 'to' | 'asset' | 'amount', string>>;

/** The credit exists until the transfer is recorded: an operator who forgets that has paid twice, and the books show it. */
const transferOf = ({ credited_to: account, asset, amount }: Refunded): Transfer => ({
  ...{ account, to: parseAccountId(account)?.address ?? '', asset, amount },
});

const transferText = ({ account, to, asset, amount }: Transfer): string =>
  `To pay it out on chain, send ${dollars(amount)} (${amount} atomic units of ${asset}) from the wallet at PAY_TO to ${to}. Then run \`countersign credits refund ${account} <transaction>\`: it takes the credit back.`;

export const group: CommandGroup = {
  examples: [
    'countersign calls list --account team/alice',
    "countersign calls refund team/alice 0x… --reason 'wrong answer'",
    "countersign calls refund team/alice 0x… --amount 0.02 --reason 'half of it'",
  ],
  commands: { list, show, refund },
};
