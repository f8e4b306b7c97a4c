import { createAgent } from '../../client/agent.ts';
import type { Input } from '../command.ts';
import { cliErrorOf, problemError } from '../errors.ts';
import { dollars, moneyIn } from '../manage/money.ts';
import { openOffice } from '../manage/office.ts';
import { sentence } from '../manage/show.ts';
import { accountNamed, namesOf } from '../manage/who.ts';
import type { Session } from '../session.ts';

/** `credits top-up`: pays ahead from a wallet; what is paid becomes credit of the payer, or of `--to`. */
export const topUp = async (session: Session, input: Input): Promise<void> => {
  const { out, progress } = session;
  const amount = moneyIn(input.arguments[0] ?? '', 'credits top-up');
  const office = await openOffice(session, 'owner');
  const text = input.text('to');
  const account = text === undefined ? await office.own() : await accountNamed(office, text);
  const agent = createAgent({
    account: office.signer,
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
    .during('paying', async () => agent.topUp(office.gateway, amount, to))
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
