import { accountNamed, namesOf } from '../lib/account-names.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { ACCOUNT, defineCommand } from '../lib/command.ts';
import { deletePolicy, etagIn, readPolicy, slotName } from '../lib/policy-slot.ts';
import { acknowledgementLines, changedText } from '../lib/print.ts';

export const command = defineCommand({
  summary: 'delete the policy of an account; the policies of others stay',
  arguments: [ACCOUNT],
  options: [
    { flags: '--operator', summary: "the operator's policy instead of the owner's" },
    { flags: '--if-match <etag>', summary: 'only if the stored policy has this ETag' },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const policy = { admin, account };
    const slot = slotName(policy);
    const given = input.text('ifMatch');
    const expected = given === undefined ? (await readPolicy(policy)).etag : etagIn(given);
    const names = await namesOf(session);
    if (expected === undefined) {
      out.result({ account, slot, changed: false }, () =>
        changedText(out, false, `the ${slot} has set no policy for ${names.of(account)}`),
      );
      return;
    }
    const answer = await deletePolicy(policy, expected);
    const what = `policy of the ${slot} for ${names.of(account)} deleted`;
    out.result({ account, slot, ...answer }, () =>
      [changedText(out, answer.changed, what), ...acknowledgementLines(out, answer, names)].join(
        '\n',
      ),
    );
  },
});
