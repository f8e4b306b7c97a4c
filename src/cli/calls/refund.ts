import type { AnswerOf } from '../../management/routes.ts';
import { parseAccountId } from '../../protocol/account-id.ts';
import { type Names, namesOf } from '../lib/accounts.ts';
import { openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import { type Command, REASON } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { reasonIn } from '../lib/input.ts';
import { sentence } from '../lib/print.ts';
import { amountIn, dollars } from '../lib/units.ts';
import { openPayer, PAY_OUT, payOut } from './pay-out.ts';
import { RECEIPT, WHICH, whichCall } from './which.ts';

export const refund: Command = {
  summary: 'give back what a call cost: as credit at once, or on chain; as operator',
  arguments: WHICH,
  options: [
    RECEIPT,
    {
      flags: '--amount <amount>',
      summary: 'only this part: dollars, 0.05, or atomic units, 50000u (default: all)',
    },
    REASON,
    ...PAY_OUT,
  ],
  shared: ['gateway', 'signer'],
  examples: [
    "countersign calls refund team/alice 0x5b36c908…b956 --reason 'wrong answer'",
    "countersign calls refund --receipt - --amount 0.02 --reason 'half of it' < receipt.txt",
    "countersign calls refund agent 0x5b36c908…b956 --reason 'gone' --transfer-from payee",
  ],
  run: async (session, input) => {
    const { out } = session;
    const reason = reasonIn(input);
    const given = input.text('amount');
    const amount = given === undefined ? undefined : amountIn(given, '--amount');
    if (amount === 0n)
      throw usageError('--amount is zero.', 'Give e.g. --amount 0.02, or omit it to refund all.');
    const admin = await openAdmin(session, 'operator');
    const params = await whichCall(admin, input);
    // Open the key before the refund, so that a wrong password cannot leave the refund half done.
    const payer = await openPayer(admin, input, params.account);
    warnIfStopped(admin);
    const { body } = await admin.call('calls.refund', {
      params,
      body: { reason, ...(amount === undefined ? {} : { amount: amount.toString() }) },
    });
    const names = await namesOf(session);
    const done = `${out.style.good('done')}  ${refundText(body, names)}`;
    if (payer === undefined) {
      out.result(body, () => `${done}\n${out.style.dim(sentence(out, byHandText(body)))}`);
      return;
    }
    out.note(done);
    const paid = await payOut(admin, payer, body);
    out.result({ ...body, transfer: paid }, () =>
      sentence(
        out,
        `${out.style.good('paid')}  ${dollars(body.amount)} to ${paid.to} in ${paid.transaction}; the credit is taken back, ${names.of(body.credited_to)} has ${dollars(paid.credit)} now`,
      ),
    );
  },
};

type Refunded = AnswerOf<'calls.refund'>;

/** For a wallet whose key is elsewhere, e.g. in hardware. */
const byHandText = ({ amount, credited_to: to, call }: Refunded): string =>
  `To pay it out on chain instead, send ${dollars(amount)} from the wallet at PAY_TO to ${parseAccountId(to)?.address ?? to}, then run \`countersign credits refund ${to} <transaction> --call ${call}\`, which takes the credit back.`;

const refundText = (
  { amount, refunded, charged, credited_to: to, credit }: Refunded,
  names: Names,
): string => {
  const has = credit === undefined ? '' : `, which has ${dollars(credit)} now`;
  const part = refunded === charged ? '' : ` (${dollars(refunded)} of ${dollars(charged)} so far)`;
  return `refunded ${dollars(amount)}${part} as credit of ${names.of(to)}${has}`;
};
