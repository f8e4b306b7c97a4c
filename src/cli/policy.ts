import type { AnswerOf } from '../management/routes.ts';
import { policyDifferences } from '../policy/policy-lines.ts';
import { accountNamed, namesOf } from './lib/accounts.ts';
import { openAdmin, roleOf } from './lib/admin-client.ts';
import { writeFiles } from './lib/atomic-file.ts';
import { ACCOUNT, type Command, type CommandGroup } from './lib/command.ts';
import { CliError, isRefusal } from './lib/errors.ts';
import type { Output } from './lib/output.ts';
import { COMMAND_STYLE, differenceLines, policyText } from './lib/policy-text.ts';
import {
  deletePolicy,
  etagIn,
  policyIn,
  policyOf,
  type PolicySlot,
  readPolicy,
  slotName,
  writePolicy,
  POLICY_OPTIONS,
} from './lib/policy.ts';
import { acknowledgementLines, changedText, limitWarnings } from './lib/print.ts';
import { counted } from './lib/text.ts';

const get: Command = {
  summary: 'show the policy of an account',
  arguments: [ACCOUNT],
  options: [
    { flags: '--operator', summary: "the operator's policy instead of the owner's" },
    { flags: '-o, --out <file>', summary: 'also write the policy to this file, as JSON' },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign policy get team/alice',
    'countersign policy get team/alice -o policy.json',
  ],
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
        policyText(out, policy),
        ...(file === undefined ? [] : [out.style.dim(`written to ${file}`)]),
      ].join('\n'),
    );
  },
};

const noPolicy = (slot: 'operator' | 'owner'): CliError =>
  new CliError(`The ${slot} has set no policy for this account.`, {
    hint:
      slot === 'owner'
        ? "`countersign policy set <account> --per-day 1` sets one; --operator shows the operator's."
        : "The gateway's default policy applies, and the owner's.",
    code: 'unknown_document',
  });

const set: Command = {
  summary: 'set a policy from a file, or only some of its fields',
  arguments: [ACCOUNT, { syntax: '[file]', summary: 'the whole policy as JSON; - for stdin' }],
  options: [
    ...POLICY_OPTIONS,
    { flags: '--operator', summary: "the operator's policy instead of the owner's" },
    {
      flags: '--if-match <etag>',
      summary: 'only if the stored version is this one, as `policy get --json` prints it',
    },
    {
      flags: '--dry-run',
      summary: 'print the changes, and how many running calls the policy would deny; set nothing',
    },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    "countersign policy set team/alice --tools 'lookup,search.*' --per-call 0.05 --per-day 1",
    'countersign policy set team/alice --rate 60/60s --until 30d --dry-run',
    'countersign policy set team/alice --per-day none',
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
    const lines = policyDifferences(stored.policy, after, COMMAND_STYLE);
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
};

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

const diff: Command = {
  summary: 'print what `policy set` with the same arguments would change',
  arguments: [ACCOUNT, { syntax: '[file]', summary: 'the whole policy as JSON; - for stdin' }],
  options: [
    ...POLICY_OPTIONS,
    { flags: '--operator', summary: "the operator's policy instead of the owner's" },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign policy diff team/alice --per-day 2',
    'countersign policy diff team/alice policy.json',
  ],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const stored = await readPolicy({ admin, account });
    const document = await policyIn(session, input, stored.document);
    const lines = policyDifferences(stored.policy, policyOf(document), COMMAND_STYLE);
    const slot = slotName({ admin, account });
    const names = await namesOf(session);
    out.result({ account, slot, etag: stored.etag, policy: document, differences: lines }, () =>
      lines.length === 0
        ? `${out.style.dim('same')}  policy of ${names.of(account)}`
        : differenceLines(out, lines),
    );
  },
};

const remove: Command = {
  summary: 'delete the policy of an account; the policies of others stay',
  arguments: [ACCOUNT],
  options: [
    { flags: '--operator', summary: "the operator's policy instead of the owner's" },
    {
      flags: '--if-match <etag>',
      summary: 'only if the stored version is this one, as `policy get --json` prints it',
    },
  ],
  shared: ['gateway', 'signer'],
  examples: ['countersign policy delete team/alice'],
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
};

export const group: CommandGroup = {
  examples: [
    "countersign policy set team/alice --tools 'lookup,search.*' --per-call 0.05 --per-day 1",
    'countersign policy set team/alice --rate 60/60s --until 30d --dry-run',
    'countersign policy get team/alice -o policy.json',
  ],
  commands: { get, set, diff, delete: remove },
};
