import type { PolicyDocument } from '../../management/policy.route.ts';
import type { Input } from '../lib/command.ts';
import { CliError, usageError } from '../lib/errors.ts';
import { jsonFile } from '../lib/input-file.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/refusal.ts';
import { changedText, heard } from '../lib/print.ts';
import { warningLines } from '../lib/limit-warnings.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';
import { hasPolicyFlags, withFlags } from '../lib/policy-flags.ts';
import { differenceLines, inFlightText } from '../lib/policy-lines.ts';
import {
  etagIn,
  type Kept,
  policyOf,
  readSlot,
  type Slot,
  slotName,
  writeSlot,
} from '../lib/policy-slot.ts';
import { differences } from '../lib/policy-text.ts';

const MAX_POLICY = 32_768;

/** What a file and the options make of a policy. Without a file it is what is there, with the named fields changed. */
export const wantedPolicy = async (
  session: Session,
  input: Input,
  before: PolicyDocument | undefined,
): Promise<PolicyDocument> => {
  const file = input.arguments[1];
  if (file === undefined && !hasPolicyFlags(input)) {
    throw usageError(
      'The policy is missing.',
      'Give a file, or options such as --per-call 0.05 --per-day 1.',
    );
  }
  const from = file === undefined ? (before ?? {}) : await jsonFile(session, file, MAX_POLICY);
  policyOf(from);
  const document = withFlags(from as PolicyDocument, input, session.now());
  policyOf(document);
  return document;
};

/** `policy set`: writes over what was seen, and nothing else. */
export const setPolicy = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, roleOf(input));
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  const slot: Slot = { admin, account };
  const kept = await readSlot(slot);
  const given = input.text('ifMatch');
  const expected = given === undefined ? kept.etag : etagIn(given);
  if (given !== undefined && expected !== kept.etag) throw raced(kept);
  const document = await wantedPolicy(session, input, kept.document);
  const after = policyOf(document);
  const dryRun = input.flag('dryRun');
  const done = await writeSlot(slot, { document, expected, dryRun }).catch((thrown: unknown) => {
    throw isRefusal(thrown, 'precondition_failed') || isRefusal(thrown, 'precondition_required')
      ? raced(kept)
      : thrown;
  });
  const names = await namesOf(session);
  const lines = differences(kept.policy, after);
  const document_ = {
    account,
    slot: slotName(slot),
    policy: document,
    ...done,
    differences: lines,
  };
  out.result(document_, () =>
    [
      dryRun
        ? `${out.style.warn('dry run')}  policy of ${names.of(account)}; nothing is changed`
        : changedText(out, done.changed, `policy of ${names.of(account)}`),
      differenceLines(out, lines),
      inFlightText(out, done),
      ...warningLines(out, done.warnings),
      ...heard(out, done, names),
    ]
      .filter((line) => line !== undefined && line !== '')
      .join('\n'),
  );
};

const raced = ({ etag }: Kept): CliError =>
  new CliError('Somebody else has changed this policy meanwhile. Yours was not written.', {
    hint: '`countersign policy diff` shows yours against what is there now; then run the command again.',
    code: 'precondition_failed',
    details: { was: etag ?? 'nothing' },
  });
