import type { Input } from '../command.ts';
import { openOffice, roleOf } from '../manage/office.ts';
import { changedText, heard } from '../manage/show.ts';
import { accountNamed, namesOf } from '../manage/who.ts';
import type { Session } from '../session.ts';
import { emptySlot, etagIn, readSlot, slotName } from './slot.ts';

/** `policy delete`: takes a policy away; those of others stay. */
export const deletePolicy = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const office = await openOffice(session, roleOf(input));
  const account = await accountNamed(office, input.arguments[0] ?? '');
  const slot = { office, account };
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
