import type { Input } from '../command.ts';
import { openOffice, roleOf, whileOrdering } from '../manage/office.ts';
import { changedText, heard } from '../manage/show.ts';
import { accountNamed, namesOf } from '../manage/who.ts';
import type { Session } from '../session.ts';

const DONE = { frozen: 'frozen', paused: 'paused', active: 'resumed' } as const;

/** `freeze`, `pause`, `resume`: of an account and all below it; says who has heard. */
export const setStatus = async (
  session: Session,
  input: Input,
  status: keyof typeof DONE,
): Promise<void> => {
  const { out } = session;
  const office = await openOffice(session, roleOf(input));
  const account = await accountNamed(office, input.arguments[0] ?? '');
  whileOrdering(office);
  const id = office.role === 'operator' ? 'accounts.status' : 'account.status';
  const { body } = await office.call(id, { params: { account }, body: { status } });
  const names = await namesOf(session);
  const side = office.role === 'operator' ? ', as operator' : '';
  out.result({ account, status, ...body }, () =>
    [
      changedText(out, body.changed, `${names.of(account)} ${DONE[status]}${side}`),
      ...heard(out, body, names),
    ].join('\n'),
  );
};
