import { writeFiles } from '../atomic-file.ts';
import type { Input } from '../command.ts';
import { CliError } from '../errors.ts';
import { openOffice, roleOf } from '../manage/office.ts';
import { namesOf, accountNamed } from '../manage/who.ts';
import type { Session } from '../session.ts';
import { policyLines } from './show.ts';
import { readSlot, slotName } from './slot.ts';

/** `policy get`: one of the two policies of an account. */
export const getPolicy = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const office = await openOffice(session, roleOf(input));
  const account = await accountNamed(office, input.arguments[0] ?? '');
  const { document, policy, etag } = await readSlot({ office, account });
  const slot = slotName({ office, account });
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
