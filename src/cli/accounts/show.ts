import { accountOrOwn, namesOf } from '../lib/account-names.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { dollars, lentText } from '../lib/amounts.ts';
import { ACCOUNT_OR_OWN, AS_OPERATOR, defineCommand } from '../lib/command.ts';
import { listed, paintStatus, proseWidth } from '../lib/print.ts';
import { fields } from '../lib/table.ts';
import { lasting } from '../lib/text.ts';
import { isoDay } from '../lib/times.ts';
import type { AnswerOf } from '../../management/routes.ts';

export const command = defineCommand({
  summary: 'show status, credit, grants and remaining limits of an account',
  arguments: [ACCOUNT_OR_OWN],
  options: [AS_OPERATOR],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountOrOwn(admin, input.arguments[0]);
    const { body } = await admin.call('account.get', { params: { account } });
    const names = await namesOf(session);
    const limits = body.money.flatMap((money) => money.limits);
    out.result(body, () =>
      [
        `${out.style.bold(names.of(account, body.label))}  ${paintStatus(out, body.status)}`,
        fields(
          [
            ['account', account],
            ['parent', body.parent === undefined ? undefined : names.of(body.parent)],
            ...body.money.flatMap((money): [string, string | undefined][] => [
              ['credit', dollars(money.credit)],
              ['with agents', lentText(money.credit_lent)],
            ]),
          ],
          out.style.dim,
          proseWidth(out),
        ),
        ...(body.grants.length === 0
          ? []
          : [
              '',
              listed(
                out,
                [
                  { title: 'GRANT', cut: 'middle' },
                  { title: 'STATUS' },
                  { title: 'UNTIL' },
                  { title: 'FROM', cut: 'middle' },
                  { title: 'CALLS USE' },
                ],
                body.grants.map((grant) => [
                  grant.hash,
                  grant.status,
                  isoDay(grant.valid_until),
                  names.of(grant.issuer),
                  grant.is_default ? 'this one' : '',
                ]),
              ),
            ]),
        ...(limits.length === 0
          ? []
          : [
              '',
              listed(
                out,
                [
                  { title: 'LIMIT' },
                  { title: 'OF', align: 'right' },
                  { title: 'LEFT', align: 'right' },
                  { title: 'RESETS' },
                  { title: 'WHOSE', cut: 'middle' },
                ],
                limits.map((limit) => [
                  limit.rule,
                  amountText(limit, limit.limit),
                  amountText(limit, limit.remaining),
                  limit.resets_at === undefined || limit.resets_at > NEVER
                    ? ''
                    : `in ${lasting(limit.resets_at - session.now())}`,
                  limit.account === undefined ? '' : names.of(limit.account),
                ]),
              ),
            ]),
      ].join('\n'),
    );
  },
});

/** Limits that never reset have a time far beyond every calendar. */
const NEVER = 9e12;

type Limit = AnswerOf<'account.get'>['money'][number]['limits'][number];

/** A rate counts calls, every other limit money. */
const amountText = ({ rule }: Limit, amount: string): string =>
  rule.endsWith('rate') ? amount : dollars(amount);
