import { accountNamed, namesOf } from '../lib/account-names.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { writeFiles } from '../lib/atomic-file.ts';
import { ACCOUNT, defineCommand } from '../lib/command.ts';
import { CliError } from '../lib/errors.ts';
import { readPolicy, slotName } from '../lib/policy-slot.ts';
import { policyLines } from '../lib/policy-text.ts';

export const command = defineCommand({
  summary: 'show the policy of an account',
  arguments: [ACCOUNT],
  options: [
    { flags: '--operator', summary: "the operator's policy instead of the owner's" },
    { flags: '-o, --out <file>', summary: 'also write the policy to this file, as JSON' },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const { document, policy, etag } = await readPolicy({ admin, account });
    const slot = slotName({ admin, account });
    if (document === undefined || policy === undefined) throw noPolicy(slot);
    const file = input.text('out');
    if (file !== undefined) {
      const text = `${JSON.stringify(document, undefined, 2)}\n`;
      await writeFiles([{ path: file, text }], session.signal);
    }
    const names = await namesOf(session);
    out.result({ account, slot, etag, policy: document }, () =>
      [
        `${out.style.bold(names.of(account))}  ${out.style.dim(`policy of the ${slot}`)}`,
        policyLines(out, policy),
        ...(file === undefined ? [] : [out.style.dim(`written to ${file}`)]),
      ].join('\n'),
    );
  },
});

const noPolicy = (slot: 'operator' | 'owner'): CliError =>
  new CliError(`The ${slot} has set no policy for this account.`, {
    hint:
      slot === 'owner'
        ? "`countersign policy set <account> --per-day 1` sets one; --operator shows the operator's."
        : "The gateway's default policy applies, and the owner's.",
    code: 'unknown_document',
  });
