import type { Input } from '../lib/command.ts';
import { dollars } from '../lib/amounts.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { accountOrOwn, namesOf } from '../lib/account-names.ts';
import { roomOf } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { fields } from '../lib/table.ts';

/** `credits show`: what an account has paid ahead, and what it owes. */
export const showCredits = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, roleOf(input));
  const account = await accountOrOwn(admin, input.arguments[0]);
  const { body } = await admin.call('account.get', { params: { account } });
  const names = await namesOf(session);
  const several = body.money.length > 1;
  out.result({ account, money: body.money.map(({ limits: _, ...purse }) => purse) }, () =>
    [
      out.style.bold(names.of(account, body.label)),
      ...(body.money.length === 0 ? ['no credit'] : []),
      ...body.money.map((purse) =>
        fields(
          [
            ['asset', several ? purse.asset : undefined],
            ['credit', dollars(purse.credit)],
            ['held', unlessZero(held(purse))],
            ['with agents', lentText(purse.credit_lent)],
            ['unsettled', unlessZero(purse.unsettled)],
            ['debt', unlessZero(purse.debt)],
          ],
          out.style.dim,
          roomOf(out),
        ),
      ),
    ].join('\n'),
  );
};

type Lending = { readonly credit_held: string; readonly credit_lent: string };

/** What running calls of the account itself hold. */
const held = ({ credit_held: all, credit_lent: lent }: Lending): string =>
  (BigInt(all) - BigInt(lent)).toString();

/** Credit that agents hold; what they have spent of it is not in `credit` yet. */
export const lentText = (lent: string): string | undefined =>
  lent === '0' ? undefined : `${dollars(lent)}; they report what they spent of it within 70 s`;

const unlessZero = (amount: string): string | undefined =>
  amount === '0' ? undefined : dollars(amount);
