import { accountNamed, namesOf } from './lib/accounts.ts';
import { openAdmin, roleOf, warnIfStopped } from './lib/admin-client.ts';
import { ACCOUNT, type Command } from './lib/command.ts';
import { changedText, sentence } from './lib/print.ts';

const LOG_STAYS =
  'The log stays: its entries prove the ones before them, so an entry that once set a label still has its text. `countersign export` shows what is left; docs/data.md says for how long.';

export const command: Command = {
  summary: 'erase the label and the stored answers of an account; its log stays',
  arguments: [ACCOUNT],
  options: [{ flags: '--operator', summary: 'sign as operator, who may erase for every account' }],
  shared: ['gateway', 'signer'],
  examples: ['countersign erase team/alice', 'countersign erase 0x5b36… --operator --json'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    warnIfStopped(admin);
    const { body } = await admin.call(
      admin.role === 'operator' ? 'accounts.erase' : 'account.erase',
      { params: { account } },
    );
    const names = await namesOf(session);
    out.result(
      { account, changed: body.changed, erased: ['label', 'answers'], kept: ['log'] },
      () =>
        [
          changedText(out, body.changed, `${names.of(account)} has no label and no stored answer`),
          sentence(out, LOG_STAYS),
        ].join('\n'),
    );
  },
};
