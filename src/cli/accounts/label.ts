import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { openAdmin, roleOf, warnIfStopped } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/refusal.ts';
import { changedText } from '../lib/print.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';

/** `accounts label`: a name for an account, over the one that was seen; without a name it is taken away. */
export const labelAccount = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const [text = '', given] = input.arguments;
  const label = given ?? null;
  if (label !== null && !/^[^\u0000-\u001f\u007f]{1,64}$/u.test(label))
    throw usageError('That is no label.', 'Use 1 to 64 characters, without control characters.');
  const admin = await openAdmin(session, roleOf(input));
  const account = await accountNamed(admin, text);
  const params = { account };
  const there = await admin.call('account.get', { params }).catch((thrown: unknown) => {
    if (isRefusal(thrown, 'unknown_account') && admin.role === 'operator') return undefined;
    throw thrown;
  });
  const etag = there?.body.etags.label;
  const names = await namesOf(session);
  const what = `${names.of(account)} ${label === null ? 'has no label' : `is labelled ${label}`}`;
  if ((there?.body.label ?? null) === label) {
    out.result({ account, label, changed: false }, () => changedText(out, false, what));
    return;
  }
  warnIfStopped(admin);
  const id = admin.role === 'operator' ? 'accounts.put' : 'account.put';
  const { body } = await admin.call(id, {
    params,
    body: { label },
    ...(etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag }),
  });
  out.result({ account, label, ...body }, () => changedText(out, body.changed, what));
};
