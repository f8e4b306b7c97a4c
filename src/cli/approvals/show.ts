import type { AnswerOf } from '../../management/routes.ts';
import { type Names, namesOf } from '../lib/accounts.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { AS_OPERATOR, type Command } from '../lib/command.ts';
import type { Output } from '../lib/output.ts';
import { proseWidth } from '../lib/print.ts';
import { fields, printable } from '../lib/text.ts';
import { dollars, isoTime } from '../lib/units.ts';
import { WHICH, whichApproval } from './which.ts';

export const show: Command = {
  summary: 'show a call that waits, or did: amount, who may decide, who has',
  arguments: WHICH,
  options: [AS_OPERATOR],
  shared: ['gateway', 'signer'],
  examples: ['countersign approvals show team/alice 0x5b36c908…b956'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const params = await whichApproval(admin, input);
    const { body } = await admin.call('account.approval', { params });
    const names = await namesOf(session);
    out.result(body, () => approvalText(out, body, names));
  },
};

type Approval = AnswerOf<'account.approval'>;

const STATES: Readonly<Record<Approval['state'], string>> = {
  waiting: 'waiting for a person',
  approved: 'approved; its caller may run it once',
  refused: 'refused; its amount is released',
  expired: 'its time has ended; its amount is released',
  used: 'approved, and its caller has run it',
};

const approvalText = (out: Output, item: Approval, names: Names): string => {
  const { approver, decided_by: by, decided_role: role, reason } = item;
  return [
    `${out.style.bold(names.of(item.account))} wants to pay ${out.style.bold(dollars(item.price))} for ${out.style.bold(printable(item.tool))}`,
    fields(
      [
        ['state', STATES[item.state]],
        ['since', isoTime(item.parked_at)],
        ['until', isoTime(item.expires_at)],
        ['asked by', `the policy of ${names.of(item.asked)}, above ${dollars(item.above)}`],
        [
          'who decides',
          approver === undefined
            ? 'operators'
            : `${names.of(approver)}, the accounts above it, and operators`,
        ],
        ['decided by', by === undefined ? undefined : `${names.of(by)}, as ${role ?? 'owner'}`],
        ['reason', reason === undefined ? undefined : printable(reason)],
        ['call', item.call],
        ['account', item.account],
      ],
      out.style.dim,
      proseWidth(out),
    ),
  ].join('\n');
};
