import type { Input } from '../lib/command.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { changedText, heard } from '../lib/print.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';
import { emptySlot, etagIn, readSlot, slotName } from '../lib/policy-slot.ts';

/** `policy delete`: takes a policy away; those of others stay. */
export const deletePolicy = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, roleOf(input));
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  const slot = { admin, account };
  const given = input.text('ifMatch');
  const expected = given === undefined ? (await readSlot(slot)).etag : etagIn(given);
  const names = await namesOf(session);
  const what = `${slotName(slot)}'s policy of ${names.of(account)} taken away`;
  if (expected === undefined) {
    out.result({ account, slot: slotName(slot), changed: false }, () =>
      changedText(out, false, what),
    );
    return;
  }
  const done = await emptySlot(slot, expected);
  out.result({ account, slot: slotName(slot), ...done }, () =>
    [changedText(out, done.changed, what), ...heard(out, done, names)].join('\n'),
  );
};
