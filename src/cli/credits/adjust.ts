import { assetId } from '../../protocol/account-id.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import { networkOf, openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import { amountIn, dollars } from '../lib/amounts.ts';
import { ACCOUNT, defineCommand, REASON } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { reasonIn } from '../lib/input.ts';

export const command = defineCommand({
  summary: 'add credit to an account or take it away, as operator',
  arguments: [ACCOUNT],
  options: [
    {
      flags: '--give <amount>',
      summary: 'dollars to add, 5 or 0.50, or atomic units, 500000u',
    },
    { flags: '--take <amount>', summary: 'dollars to take, at most the credit there is' },
    REASON,
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const [give, take] = [input.text('give'), input.text('take')];
    if ((give === undefined) === (take === undefined))
      throw usageError('The command needs either --give or --take.', 'Give e.g. --give 5.');
    const reason = reasonIn(input);
    const amount = give === undefined ? -amountIn(take ?? '', '--take') : amountIn(give, '--give');
    if (amount === 0n)
      throw usageError('An adjustment by $0.00 changes nothing.', 'Give an amount above zero.');
    const admin = await openAdmin(session, 'operator');
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const { network, asset } = await networkOf(admin, account);
    warnIfStopped(admin);
    const { body } = await admin.call('credits.adjust', {
      params: { account },
      body: { asset: assetId(network, asset), amount: amount.toString(), reason },
    });
    const names = await namesOf(session);
    const change = amount < 0n ? `took ${dollars(-amount)}` : `added ${dollars(amount)}`;
    out.result(
      body,
      () =>
        `${out.style.good('done')}  ${change}; ${names.of(account)} has ${dollars(body.credit)} of credit`,
    );
  },
});
