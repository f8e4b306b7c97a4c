import type { AnswerOf } from '../management/routes.ts';
import { parseAccountId } from '../protocol/account-id.ts';
import { list } from './calls/list.ts';
import { accountNamed, type Names, namesOf } from './lib/accounts.ts';
import { openAdmin, roleOf, warnIfStopped } from './lib/admin-client.ts';
import { AS_OPERATOR, type Command, type CommandGroup, REASON } from './lib/command.ts';
import { usageError } from './lib/errors.ts';
import { callIn, reasonIn } from './lib/input.ts';
import { proseWidth, sentence } from './lib/print.ts';
import { fields, printable } from './lib/text.ts';
import { amountIn, dollars, isoTime } from './lib/units.ts';
import { CALL, PAYER } from './settlements/repair.ts';

const show: Command = {
  summary: 'show one call: charge, payment, refunds',
  arguments: [PAYER, CALL],
  options: [AS_OPERATOR],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign calls show team/alice 0x5b36c90854a7640a15f67b4a1725bb90b6bfd1932a17d92d7dad78fb76cdb956',
  ],
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
  summary: 'give back what a call cost, as credit of its payer; as operator',
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
  examples: [
    "countersign calls refund team/alice 0x5b36c90854a7640a15f67b4a1725bb90b6bfd1932a17d92d7dad78fb76cdb956 --reason 'wrong answer'",
    "countersign calls refund team/alice 0x5b36c90854a7640a15f67b4a1725bb90b6bfd1932a17d92d7dad78fb76cdb956 --amount 0.02 --reason 'half of it'",
  ],
  run: async (session, input) => {
    const { out } = session;
    const call = callIn(input.arguments[1]);
    const reason = reasonIn(input);
    const given = input.text('amount');
    const amount = given === undefined ? undefined : amountIn(given, '--amount');
    if (amount === 0n)
      throw usageError('--amount is zero.', 'Give e.g. --amount 0.02, or omit it to refund all.');
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
  examples: ['countersign calls list --account team/alice', 'countersign calls list --from today'],
  commands: { list, show, refund },
};
