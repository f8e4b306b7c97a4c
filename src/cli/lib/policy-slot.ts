import { type AdminClient, warnIfStopped } from './admin-client.ts';
import { isRefusal } from './error-of.ts';
import { CliError, EXIT } from './errors.ts';
import type { Hex } from '../../core/hex.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import type { AnswerOf } from '../../management/routes.ts';
import { parsePolicy, type Policy } from '../../policy/policy.ts';
import type { AccountId } from '../../protocol/account-id.ts';

/** One of the two policies of an account: its owner's or the operator's, by the role of the client. */
export type PolicySlot = { readonly admin: AdminClient; readonly account: AccountId };

/** The policy in a slot; all undefined in an empty slot. */
export type StoredPolicy = {
  readonly document: PolicyDocument | undefined;
  readonly policy: Policy | undefined;
  readonly etag: string | undefined;
};

export const slotName = ({ admin }: PolicySlot): 'operator' | 'owner' =>
  admin.role === 'operator' ? 'operator' : 'owner';

export const readPolicy = async ({ admin, account }: PolicySlot): Promise<StoredPolicy> => {
  const id = admin.role === 'operator' ? 'accounts.policy.get' : 'account.policy.get';
  try {
    const { body, etag } = await admin.call(id, { params: { account } });
    return { document: body, policy: policyOf(body), etag: etag?.replaceAll('"', '') };
  } catch (thrown) {
    // An operator may write a policy before the account's first call.
    const isEmpty =
      isRefusal(thrown, 'unknown_document') ||
      (admin.role === 'operator' && isRefusal(thrown, 'unknown_account'));
    if (isEmpty) return { document: undefined, policy: undefined, etag: undefined };
    throw thrown;
  }
};

/** Parses a policy with the gateway's own parser. @throws CliError usage, which names each faulty field */
export const policyOf = (document: unknown): Policy => {
  const parsed = parsePolicy(document);
  if (parsed.ok) return parsed.value;
  const faults = parsed.error.map(
    ({ field, reason }) => `${field === '' ? 'it' : field} ${reason}`,
  );
  throw new CliError(`That is not a valid policy: ${faults.slice(0, 4).join('; ')}.`, {
    hint: 'Correct the policy. docs/policy.md lists its fields.',
    exit: EXIT.usage,
    code: 'malformed_policy',
    details: { faults: parsed.error },
  });
};

type Write = {
  readonly document: PolicyDocument;
  /** ETag of the policy to replace; undefined: the slot must be empty. */
  readonly expected: string | undefined;
  readonly dryRun: boolean;
};

export const writePolicy = async (
  { admin, account }: PolicySlot,
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

export const deletePolicy = async (
  { admin, account }: PolicySlot,
  expected: string,
): Promise<AnswerOf<'account.policy.delete'>> => {
  const id = admin.role === 'operator' ? 'accounts.policy.delete' : 'account.policy.delete';
  warnIfStopped(admin);
  return (await admin.call(id, { params: { account }, ifMatch: expected })).body;
};

/** `--if-match`, with or without the quotes of the header. */
export const etagIn = (text: string): Hex => text.replaceAll('"', '') as Hex;
