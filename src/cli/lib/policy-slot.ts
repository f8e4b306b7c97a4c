import type { AccountId } from '../../protocol/account-id.ts';
import type { Hex } from '../../core/hex.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import type { AnswerOf } from '../../management/types.ts';
import { parsePolicy } from '../../policy/policy.ts';
import type { Policy } from '../../policy/policy.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-code.ts';
import { type AdminClient, warnIfStopped } from './admin-client.ts';
import { isRefusal } from './refusal.ts';

/** One of the two policies of an account: its owner's, or the operator's. */
export type Slot = { readonly admin: AdminClient; readonly account: AccountId };

/** What stands in a slot; `etag` is missing where nothing does. */
export type Kept = {
  readonly document: PolicyDocument | undefined;
  readonly policy: Policy | undefined;
  readonly etag: string | undefined;
};

export const slotName = ({ admin }: Slot): 'operator' | 'owner' =>
  admin.role === 'operator' ? 'operator' : 'owner';

export const readSlot = async ({ admin, account }: Slot): Promise<Kept> => {
  const id = admin.role === 'operator' ? 'accounts.policy.get' : 'account.policy.get';
  try {
    const { body, etag } = await admin.call(id, { params: { account } });
    return { document: body, policy: policyOf(body), etag: etag?.replaceAll('"', '') };
  } catch (thrown) {
    // An operator may write a policy before the account has done anything.
    const isEmpty =
      isRefusal(thrown, 'unknown_document') ||
      (admin.role === 'operator' && isRefusal(thrown, 'unknown_account'));
    if (isEmpty) return { document: undefined, policy: undefined, etag: undefined };
    throw thrown;
  }
};

/** A document as the gateway will read it. @throws CliError, which names each field that is wrong */
export const policyOf = (document: unknown): Policy => {
  const parsed = parsePolicy(document);
  if (parsed.ok) return parsed.value;
  const faults = parsed.error.map(
    ({ field, reason }) => `${field === '' ? 'it' : field} ${reason}`,
  );
  throw new CliError(`That is no policy: ${faults.slice(0, 4).join('; ')}.`, {
    hint: 'Correct it. docs/policy.md lists the fields of a policy.',
    exit: EXIT.usage,
    code: 'malformed_policy',
    details: { faults: parsed.error },
  });
};

type Write = {
  readonly document: PolicyDocument;
  /** What must be there: its hash, or nothing. */
  readonly expected: string | undefined;
  readonly dryRun: boolean;
};

export const writeSlot = async (
  { admin, account }: Slot,
  { document, expected, dryRun }: Write,
): Promise<AnswerOf<'account.policy.put'>> => {
  const id = admin.role === 'operator' ? 'accounts.policy.put' : 'account.policy.put';
  if (!dryRun) warnIfStopped(admin);
  const { body } = await admin.call(id, {
    params: { account },
    body: document,
    dryRun,
    ...(expected === undefined ? { ifNoneMatch: '*' } : { ifMatch: expected }),
  });
  return body;
};

export const emptySlot = async (
  { admin, account }: Slot,
  expected: string,
): Promise<AnswerOf<'account.policy.delete'>> => {
  const id = admin.role === 'operator' ? 'accounts.policy.delete' : 'account.policy.delete';
  warnIfStopped(admin);
  return (await admin.call(id, { params: { account }, ifMatch: expected })).body;
};

/** A hash that somebody has copied, with or without quotes. */
export const etagIn = (text: string): Hex => text.replaceAll('"', '') as Hex;
