import { accountNamed, namesOf } from '../lib/account-names.ts';
import { openAdmin, roleOf, warnIfStopped } from '../lib/admin-client.ts';
import { ACCOUNT, defineCommand } from '../lib/command.ts';
import { isRefusal } from '../lib/error-of.ts';
import { usageError } from '../lib/errors.ts';
import { changedText } from '../lib/print.ts';

export const command = defineCommand({
  summary: 'label an account; without a label, remove the label it has',
  arguments: [ACCOUNT, { syntax: '[label]', summary: 'at most 64 characters' }],
  options: [
    {
      flags: '--operator',
      summary: 'sign as operator, who may label every account, even before its first call',
    },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const [text = '', given] = input.arguments;
    const label = given ?? null;
    if (label !== null && !/^[^\u0000-\u001f\u007f]{1,64}$/u.test(label))
      throw usageError(
        'That is not a valid label.',
        'Use 1 to 64 characters, without control characters.',
      );
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, text);
    const params = { account };
    const present = await admin.call('account.get', { params }).catch((thrown: unknown) => {
      if (isRefusal(thrown, 'unknown_account') && admin.role === 'operator') return undefined;
      throw thrown;
    });
    const etag = present?.body.etags.label;
    const names = await namesOf(session);
    const what = `${names.of(account)} ${label === null ? 'has no label' : `has the label ${label}`}`;
    if ((present?.body.label ?? null) === label) {
      out.result({ account, label, changed: false }, () => changedText(out, false, what));
      return;
    }
    warnIfStopped(admin);
    const { body } = await admin.call(admin.role === 'operator' ? 'accounts.put' : 'account.put', {
      params,
      body: { label },
      ...(etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag }),
    });
    out.result({ account, label, ...body }, () => changedText(out, body.changed, what));
  },
});
