import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import { changedText } from '../lib/print.ts';
import { accountNamed } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';
import { callIn } from './settlements.ts';

/** `settlements resolve`: what a tool that fell silent keeps is charged, or given back. */
export const resolveSettlement = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const call = callIn(input.arguments[1]);
  const charge = input.flag('charge');
  if (charge === input.flag('release'))
    throw usageError(
      '--charge or --release is missing.',
      'Give one of --charge (its price is earned) and --release (the agent has it back).',
    );
  const reason = input.text('reason');
  if (reason === undefined)
    throw usageError('--reason is missing.', 'Give --reason, for whoever reads the log.');
  const admin = await openAdmin(session, 'operator');
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  warnIfStopped(admin);
  const { body } = await admin.call('settlements.resolve', {
    params: { account, call },
    body: { charge, reason },
  });
  const what = charge ? 'charged: its price is earned' : 'given back to its agent';
  out.result({ account, call, ...body }, () => changedText(out, body.changed, what));
};
