import type { AnswerOf } from '../../management/types.ts';
import type { Input } from '../lib/command.ts';
import { lentText } from '../credits/show.ts';
import { dollars } from '../lib/amounts.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { listed, roomOf } from '../lib/print.ts';
import { isoDay } from '../lib/times.ts';
import { accountOrOwn, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';
import { fields } from '../lib/table.ts';
import { lasting } from '../lib/text.ts';
import { statusPaint } from './list.ts';

/** `accounts show`: how an account stands: what binds it, and what is left of each limit. */
export const showAccount = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, roleOf(input));
  const account = await accountOrOwn(admin, input.arguments[0]);
  const { body } = await admin.call('account.get', { params: { account } });
  const names = await namesOf(session);
  const limits = body.money.flatMap((purse) => purse.limits);
  out.result(body, () =>
    [
      `${out.style.bold(names.of(account, body.label))}  ${statusPaint(out, body.status)}`,
      fields(
        [
          ['account', account],
          ['below', body.parent === undefined ? undefined : names.of(body.parent)],
          ...body.money.flatMap((purse): [string, string | undefined][] => [
            ['credit', dollars(purse.credit)],
            ['with agents', lentText(purse.credit_lent)],
          ]),
        ],
        out.style.dim,
        roomOf(out),
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
                amountOf(limit, limit.limit),
                amountOf(limit, limit.remaining),
                limit.resets_at === undefined || limit.resets_at > 9e12
                  ? ''
                  : `in ${lasting(limit.resets_at - session.now())}`,
                limit.account === undefined ? '' : names.of(limit.account),
              ]),
            ),
          ]),
    ].join('\n'),
  );
};

type Limit = AnswerOf<'account.get'>['money'][number]['limits'][number];

/** A rate counts calls. */
const amountOf = ({ rule }: Limit, amount: string): string =>
  rule.endsWith('rate') ? amount : dollars(amount);
