import { POLICY_OPTIONS } from '../../policy/policy.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { ACCOUNT, defineCommand } from '../lib/command.ts';
import { policyIn } from '../lib/policy-flags.ts';
import { policyOf, readPolicy, slotName } from '../lib/policy-slot.ts';
import { differenceLines, differences } from '../lib/policy-text.ts';

export const command = defineCommand({
  summary: 'print what `policy set` with the same arguments would change',
  arguments: [ACCOUNT, { syntax: '[file]', summary: 'the whole policy as JSON; - for stdin' }],
  options: [
    ...POLICY_OPTIONS,
    { flags: '--operator', summary: "the operator's policy instead of the owner's" },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const stored = await readPolicy({ admin, account });
    const document = await policyIn(session, input, stored.document);
    const lines = differences(stored.policy, policyOf(document));
    const slot = slotName({ admin, account });
    const names = await namesOf(session);
    out.result({ account, slot, etag: stored.etag, policy: document, differences: lines }, () =>
      lines.length === 0
        ? `${out.style.dim('same')}  policy of ${names.of(account)}`
        : differenceLines(out, lines),
    );
  },
});
