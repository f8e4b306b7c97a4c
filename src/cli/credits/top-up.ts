import { accountNamed, namesOf } from '../lib/account-names.ts';
import { openAdmin } from '../lib/admin-client.ts';
import { amountIn, dollars } from '../lib/amounts.ts';
import { defineCommand } from '../lib/command.ts';
import { cliErrorOf, problemError } from '../lib/error-of.ts';
import { sentence } from '../lib/print.ts';
import { createAgent } from '../../client/agent.ts';

export const command = defineCommand({
  summary: 'buy credit with a payment from a wallet',
  arguments: [{ syntax: '<amount>', summary: 'dollars, 5 or 0.50, or atomic units, 500000u' }],
  options: [{ flags: '--to <account>', summary: 'account to credit (default: the payer)' }],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out, progress } = session;
    const amount = amountIn(input.arguments[0] ?? '', 'credits top-up');
    const admin = await openAdmin(session, 'owner');
    const to = input.text('to');
    const account = to === undefined ? await admin.own() : await accountNamed(admin, to);
    const agent = createAgent({
      account: admin.signer,
      spend: { perCall: amount, total: amount },
      hooks: {
        onSign: ({ call }) =>
          session.ifStopped(
            `The command signed the payment ${call} and may have sent it. Read \`countersign credits show\` before you pay again.`,
          ),
      },
    });
    const response = await progress
      .during('paying', async () =>
        agent.topUp(admin.gateway, amount, to === undefined ? {} : { account }),
      )
      .catch((thrown: unknown) => {
        throw cliErrorOf(thrown);
      });
    const { problem, charged, call, transaction } = response.countersign;
    if (!response.ok) throw problemError(response.status, problem);
    const names = await namesOf(session);
    out.result({ account, amount: charged, call, transaction }, () =>
      sentence(
        out,
        `${out.style.good('paid')}  ${dollars(charged)}, credited to ${names.of(account)}`,
      ),
    );
  },
});
