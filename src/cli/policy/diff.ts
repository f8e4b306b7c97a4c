import type { Input } from '../lib/command.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';
import { wantedPolicy } from './set.ts';
import { differenceLines } from '../lib/policy-lines.ts';
import { policyOf, readSlot, slotName } from '../lib/policy-slot.ts';
import { differences } from '../lib/policy-text.ts';

/** `policy diff`: what `policy set` with the same words would change. */
export const diffPolicy = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, roleOf(input));
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  const kept = await readSlot({ admin, account });
  const document = await wantedPolicy(session, input, kept.document);
  const lines = differences(kept.policy, policyOf(document));
  const slot = slotName({ admin, account });
  const names = await namesOf(session);
  out.result({ account, slot, etag: kept.etag, policy: document, differences: lines }, () =>
    lines.length === 0
      ? `${out.style.dim('same')}  policy of ${names.of(account)}`
      : differenceLines(out, lines),
  );
};
