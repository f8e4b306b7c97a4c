import { writeFiles } from '../lib/atomic-file.ts';
import type { Input } from '../lib/command.ts';
import { CliError } from '../lib/errors.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { namesOf, accountNamed } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';
import { policyLines } from '../lib/policy-lines.ts';
import { readSlot, slotName } from '../lib/policy-slot.ts';

/** `policy get`: one of the two policies of an account. */
export const getPolicy = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, roleOf(input));
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  const { document, policy, etag } = await readSlot({ admin, account });
  const slot = slotName({ admin, account });
  if (document === undefined || policy === undefined || etag === undefined) throw nothing(slot);
  const file = input.text('out');
  if (file !== undefined) {
    await writeFiles(
      [{ path: file, text: `${JSON.stringify(document, undefined, 2)}\n` }],
      session.signal,
    );
  }
  const names = await namesOf(session);
  out.result({ account, slot, etag, policy: document }, () =>
    [
      `${out.style.bold(names.of(account))}  ${out.style.dim(`${slot}'s policy`)}`,
      policyLines(out, policy),
      ...(file === undefined ? [] : [out.style.dim(`written to ${file}`)]),
    ].join('\n'),
  );
};

const nothing = (slot: string): CliError =>
  new CliError(`The ${slot} has written no policy for this account.`, {
    hint:
      slot === 'owner'
        ? "`countersign policy set <account> --per-day 1` writes one; --operator shows the operator's."
        : 'The gateway’s default policy holds, and what owners have written.',
    code: 'unknown_document',
  });
