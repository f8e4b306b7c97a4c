import { assetId } from '../../protocol/account-id.ts';
import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { dollars, moneyIn } from '../lib/amounts.ts';
import { networkOf, openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';

/** `credits adjust`: gives credit, or takes it, as operator. */
export const adjustCredit = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const [give, take, reason] = [input.text('give'), input.text('take'), input.text('reason')];
  if ((give === undefined) === (take === undefined))
    throw usageError('It takes one of --give and --take.', 'Give e.g. --give 5.');
  if (reason === undefined)
    throw usageError('--reason is missing.', 'Give --reason, for whoever reads the log.');
  const amount = give === undefined ? -moneyIn(take ?? '', '--take') : moneyIn(give, '--give');
  if (amount === 0n) throw usageError('Nothing would change.', 'Give an amount above zero.');
  const admin = await openAdmin(session, 'operator');
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  const { network, asset } = await networkOf(admin, account);
  warnIfStopped(admin);
  const { body } = await admin.call('credits.adjust', {
    params: { account },
    body: { asset: assetId(network, asset), amount: amount.toString(), reason },
  });
  const names = await namesOf(session);
  out.result(
    body,
    () =>
      `${out.style.good('done')}  ${names.of(account)} has ${dollars(body.credit)} of credit (${amount < 0n ? 'taken' : 'given'}: ${dollars(amount < 0n ? -amount : amount)})`,
  );
};

/** `credits refund`: records what an operator has paid back on chain; how much that was is the chain's to say. */
export const recordRefund = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const logIndex = input.number('logIndex', 0, 1_000_000);
  const transaction = (input.arguments[1] ?? '').toLowerCase();
  if (!/^0x[0-9a-f]{64}$/.test(transaction))
    throw usageError('That is no transaction.', 'Give its hash: 0x and 64 hex digits.');
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
      `${body.known ? out.style.dim('same') : out.style.good('done')}  ${dollars(body.amount)} paid back to ${names.of(account)}; ${dollars(body.credit)} of credit left`,
  );
};
