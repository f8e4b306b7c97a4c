import type { Input } from '../command.ts';
import { openOffice, roleOf } from '../manage/office.ts';
import { accountNamed, namesOf } from '../manage/who.ts';
import type { Session } from '../session.ts';
import { wantedPolicy } from './set.ts';
import { differenceLines } from './show.ts';
import { policyOf, readSlot, slotName } from './slot.ts';
import { differences } from './text.ts';

/** `policy diff`: what `policy set` with the same words would change. */
export const diffPolicy = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const office = await openOffice(session, roleOf(input));
  const account = await accountNamed(office, input.arguments[0] ?? '');
  const kept = await readSlot({ office, account });
  const document = await wantedPolicy(session, input, kept.document);
  const lines = differences(kept.policy, policyOf(document));
  const slot = slotName({ office, account });
  const names = await namesOf(session);
  out.result({ account, slot, etag: kept.etag, policy: document, differences: lines }, () =>
    lines.length === 0
      ? `${out.style.dim('same')}  policy of ${names.of(account)}`
      : differenceLines(out, lines),
  );
};
