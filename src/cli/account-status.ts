import { accountNamed, namesOf } from './lib/accounts.ts';
import { openAdmin, roleOf, warnIfStopped } from './lib/admin-client.ts';
import { ACCOUNT, type Command } from './lib/command.ts';
import { acknowledgementLines, changedText } from './lib/print.ts';

const DONE = { frozen: 'is frozen', paused: 'is paused', active: 'resumed' } as const;

/** `freeze`, `pause` and `resume` differ in the status that they set. */
const statusCommand = (status: keyof typeof DONE, verb: string, summary: string): Command => ({
  summary,
  arguments: [ACCOUNT],
  options: [{ flags: '--operator', summary: 'sign as operator; the owner cannot undo it' }],
  shared: ['gateway', 'signer'],
  examples: [`countersign ${verb} team/alice`],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const isOperator = admin.role === 'operator';
    warnIfStopped(admin);
    const { body } = await admin.call(isOperator ? 'accounts.status' : 'account.status', {
      params: { account },
      body: { status },
    });
    const names = await namesOf(session);
    out.result({ account, status, ...body }, () =>
      [
        changedText(
          out,
          body.changed,
          `${names.of(account)} ${DONE[status]}${isOperator ? ', by the operator' : ''}`,
        ),
        ...acknowledgementLines(out, body, names),
      ].join('\n'),
    );
  },
});

export const freeze = statusCommand(
  'frozen',
  'freeze',
  'freeze an account and all its descendants',
);

export const pause = statusCommand('paused', 'pause', 'pause an account and all its descendants');

export const resume = statusCommand(
  'active',
  'resume',
  'resume an account that you froze or paused',
);
