import { createAgent } from '../../client/agent.ts';
import type { Input } from '../lib/command.ts';
import { cliErrorOf, problemError } from '../lib/errors.ts';
import { dollars, moneyIn } from '../lib/amounts.ts';
import { openAdmin } from '../lib/admin-client.ts';
import { sentence } from '../lib/print.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';

/** `credits top-up`: pays ahead from a wallet; what is paid becomes credit of the payer, or of `--to`. */
export const topUp = async (session: Session, input: Input): Promise<void> => {
  const { out, progress } = session;
  const amount = moneyIn(input.arguments[0] ?? '', 'credits top-up');
  const admin = await openAdmin(session, 'owner');
  const text = input.text('to');
  const account = text === undefined ? await admin.own() : await accountNamed(admin, text);
  const agent = createAgent({
    account: admin.signer,
    spend: { perCall: amount, total: amount },
    hooks: {
      onSign: ({ call }) =>
        session.ifStopped(
          `The command signed the payment ${call} and may have sent it. Look at \`countersign credits show\` before you pay again.`,
        ),
    },
  });
  const to = text === undefined ? {} : { account };
  const response = await progress
    .during('paying', async () => agent.topUp(admin.gateway, amount, to))
    .catch((thrown: unknown) => {
      throw cliErrorOf(thrown);
    });
  const { problem, charged, call, transaction } = response.countersign;
  if (!response.ok) throw problemError(response.status, problem);
  const names = await namesOf(session);
  out.result({ account, amount: charged, call, transaction }, () =>
    sentence(
      out,
      `${out.style.good('paid')}  ${dollars(charged)} to the credit of ${names.of(account)}`,
    ),
  );
};
