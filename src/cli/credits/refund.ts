import { accountNamed, namesOf } from '../lib/account-names.ts';
import { openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import { dollars } from '../lib/amounts.ts';
import { defineCommand } from '../lib/command.ts';
import { hashIn } from '../lib/input.ts';

export const command = defineCommand({
  summary: 'record an on-chain refund of credit, as operator; the chain gives the amount',
  arguments: [
    { syntax: '<account>', summary: 'account that received the refund' },
    { syntax: '<transaction>', summary: 'hash of the transaction' },
  ],
  options: [
    {
      flags: '--log-index <number>',
      summary: 'index of the Transfer log in its block, if the transaction has several',
    },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const logIndex = input.number('logIndex', 0, 1_000_000);
    const transaction = hashIn(
      input.arguments[1],
      'a transaction hash',
      'as block explorers print it',
    );
    const admin = await openAdmin(session, 'operator');
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    warnIfStopped(admin);
    const { body } = await admin.call('credits.refund', {
      body: { account, transaction, ...(logIndex === undefined ? {} : { log_index: logIndex }) },
    });
    const names = await namesOf(session);
    out.result(
      body,
      () =>
        `${body.known ? out.style.dim('same') : out.style.good('done')}  refund of ${dollars(body.amount)} to ${names.of(account)}; ${dollars(body.credit)} of credit remains`,
    );
  },
});
