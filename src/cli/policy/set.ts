import { accountNamed, namesOf } from '../lib/account-names.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { ACCOUNT, defineCommand } from '../lib/command.ts';
import { isRefusal } from '../lib/error-of.ts';
import { CliError } from '../lib/errors.ts';
import type { Output } from '../lib/output.ts';
import { policyIn } from '../lib/policy-flags.ts';
import {
  etagIn,
  policyOf,
  type PolicySlot,
  readPolicy,
  slotName,
  writePolicy,
} from '../lib/policy-slot.ts';
import { differenceLines, differences } from '../lib/policy-text.ts';
import { acknowledgementLines, changedText, limitWarnings } from '../lib/print.ts';
import { counted } from '../lib/text.ts';
import type { AnswerOf } from '../../management/routes.ts';
import { POLICY_OPTIONS } from '../../policy/policy.ts';

export const command = defineCommand({
  summary: 'set a policy from a file, or change only the given fields (none removes a field)',
  arguments: [ACCOUNT, { syntax: '[file]', summary: 'the whole policy as JSON; - for stdin' }],
  options: [
    ...POLICY_OPTIONS,
    { flags: '--operator', summary: "the operator's policy instead of the owner's" },
    { flags: '--if-match <etag>', summary: 'only if the stored policy has this ETag' },
    {
      flags: '--dry-run',
      summary: 'print the changes, and how many running calls the policy would deny; set nothing',
    },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    "countersign policy set team/alice --tools 'lookup,search.*' --per-call 0.05 --per-day 1",
    'countersign policy set team/alice --rate 60/60s --until 30d --dry-run',
  ],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const slot: PolicySlot = { admin, account };
    const stored = await readPolicy(slot);
    const given = input.text('ifMatch');
    const expected = given === undefined ? stored.etag : etagIn(given);
    if (given !== undefined && expected !== stored.etag) throw changedMeanwhile(stored.etag);
    const document = await policyIn(session, input, stored.document);
    const after = policyOf(document);
    const dryRun = input.flag('dryRun');
    const answer = await writePolicy(slot, { document, expected, dryRun }).catch(
      (thrown: unknown) => {
        throw isRefusal(thrown, 'precondition_failed') || isRefusal(thrown, 'precondition_required')
          ? changedMeanwhile(stored.etag)
          : thrown;
      },
    );
    const names = await namesOf(session);
    const lines = differences(stored.policy, after);
    const result = { account, slot: slotName(slot), policy: document, ...answer };
    out.result({ ...result, differences: lines }, () =>
      [
        dryRun
          ? `${out.style.warn('dry run')}  policy of ${names.of(account)}; nothing changed`
          : changedText(out, answer.changed, `policy of ${names.of(account)}`),
        differenceLines(out, lines),
        runningCallsText(out, answer),
        ...limitWarnings(out, answer.warnings),
        ...acknowledgementLines(out, answer, names),
      ]
        .filter((line) => line !== undefined && line !== '')
        .join('\n'),
    );
  },
});

const changedMeanwhile = (etag: string | undefined): CliError =>
  new CliError('Another writer changed this policy. The gateway did not write yours.', {
    hint: '`countersign policy diff` compares yours with the stored policy; then run the command again.',
    code: 'precondition_failed',
    details: { was: etag ?? 'nothing' },
  });

/** How many running calls the policy would have denied. They still run to their end. */
const runningCallsText = (
  out: Output,
  { in_flight: calls }: Pick<AnswerOf<'account.policy.put'>, 'in_flight'>,
): string | undefined => {
  if (calls === undefined || calls.held === 0) return undefined;
  const running = `${counted(calls.held, 'call')} running now`;
  return calls.cut_off === 0
    ? out.style.dim(`${running}; the policy would have denied none`)
    : out.style.warn(`${running}; the policy would have denied ${calls.cut_off}, which may end`);
};
