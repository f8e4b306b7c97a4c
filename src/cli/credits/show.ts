import { accountOrOwn, namesOf } from '../lib/account-names.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { dollars, lentText } from '../lib/amounts.ts';
import { ACCOUNT_OR_OWN, AS_OPERATOR, defineCommand } from '../lib/command.ts';
import { proseWidth } from '../lib/print.ts';
import { fields } from '../lib/table.ts';

export const command = defineCommand({
  summary: 'show credit and debt of an account',
  arguments: [ACCOUNT_OR_OWN],
  options: [AS_OPERATOR],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountOrOwn(admin, input.arguments[0]);
    const { body } = await admin.call('account.get', { params: { account } });
    const names = await namesOf(session);
    const hasSeveral = body.money.length > 1;
    out.result({ account, money: body.money.map(({ limits: _, ...money }) => money) }, () =>
      [
        out.style.bold(names.of(account, body.label)),
        ...(body.money.length === 0 ? ['no credit'] : []),
        ...body.money.map((money) =>
          fields(
            [
              ['asset', hasSeveral ? money.asset : undefined],
              ['credit', dollars(money.credit)],
              ['held', unlessZero(heldByOwnCalls(money))],
              ['with agents', lentText(money.credit_lent)],
              ['unsettled', unlessZero(money.unsettled)],
              ['debt', unlessZero(money.debt)],
            ],
            out.style.dim,
            proseWidth(out),
          ),
        ),
      ].join('\n'),
    );
  },
});

/** `credit_held` includes credit lent to agents; the rest is held by the account's own running calls. */
const heldByOwnCalls = ({
  credit_held: held,
  credit_lent: lent,
}: {
  readonly credit_held: string;
  readonly credit_lent: string;
}): string => (BigInt(held) - BigInt(lent)).toString();

const unlessZero = (amount: string): string | undefined =>
  amount === '0' ? undefined : dollars(amount);
