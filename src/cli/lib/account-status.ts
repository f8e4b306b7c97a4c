import type { Input } from './command.ts';
import { openAdmin, roleOf, warnIfStopped } from './admin-client.ts';
import { changedText, heard } from './print.ts';
import { accountNamed, namesOf } from './account-names.ts';
import type { Session } from './session.ts';

const DONE = { frozen: 'frozen', paused: 'paused', active: 'resumed' } as const;

/** `freeze`, `pause`, `resume`: of an account and all below it; says who has heard. */
export const setStatus = async (
  session: Session,
  input: Input,
  status: keyof typeof DONE,
): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, roleOf(input));
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  warnIfStopped(admin);
  const id = admin.role === 'operator' ? 'accounts.status' : 'account.status';
  const { body } = await admin.call(id, { params: { account }, body: { status } });
  const names = await namesOf(session);
  const side = admin.role === 'operator' ? ', as operator' : '';
  out.result({ account, status, ...body }, () =>
    [
      changedText(out, body.changed, `${names.of(account)} ${DONE[status]}${side}`),
      ...heard(out, body, names),
    ].join('\n'),
  );
};
