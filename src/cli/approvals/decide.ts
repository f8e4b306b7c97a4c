import { openAdmin, roleOf, warnIfStopped } from '../lib/admin-client.ts';
import { AS_OPERATOR, type Command } from '../lib/command.ts';
import { changedText } from '../lib/print.ts';
import { WHICH, whichApproval } from './which.ts';

/** The arguments of the examples. */
export const WAITING = 'team/alice 0x5b36c908…b956';

type Decision = {
  readonly summary: string;
  readonly decision: 'approve' | 'refuse';
  /** The result of the command, for people. */
  readonly done: string;
};

/** A command that decides on a call that waits: one signature of an owner or an operator, valid for this call alone. */
export const decideCommand = ({ summary, decision, done }: Decision): Command => ({
  summary,
  arguments: WHICH,
  options: [
    ...(decision === 'refuse'
      ? [{ flags: '--reason <text>', summary: 'why; the audit log keeps it' }]
      : []),
    AS_OPERATOR,
  ],
  shared: ['gateway', 'signer'],
  examples: [`countersign approvals ${decision} ${WAITING}`],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const params = await whichApproval(admin, input);
    const reason = decision === 'refuse' ? input.text('reason') : undefined;
    const place = admin.role === 'operator' ? 'approvals' : 'account';
    warnIfStopped(admin);
    const body = reason === undefined ? {} : { reason };
    const sent =
      decision === 'approve'
        ? await admin.call(`${place}.approve`, { params })
        : await admin.call(`${place}.refuse`, { params, body });
    const { changed } = sent.body;
    out.result({ ...params, ...sent.body }, () => changedText(out, changed, done));
  },
});
