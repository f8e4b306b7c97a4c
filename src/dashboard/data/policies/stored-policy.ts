import type { AnswerOf, Management } from '../../../client/management.ts';
import type { PolicyDocument } from '../../../management/policy.route.ts';
import type { Role } from '../session/scope.ts';
import type { Standing } from '../accounts/standing.ts';

/** The policy that one writer has set for an account; both undefined if it has set none. */
export type StoredPolicy = {
  readonly document: PolicyDocument | undefined;
  /** For `If-Match`. */
  readonly etag: string | undefined;
};

/** The policy that a person may write: an operator the operator's, an owner the owner's. Both bind, and neither changes the other's. */
export type PolicySlot = { readonly account: string; readonly role: Role };

/** The policy of a slot, as a standing shows it. */
export const storedIn = ({ policies, etags }: Standing, slot: PolicySlot): StoredPolicy => ({
  document: policies.find(({ kind, account }) => kind === slot.role && account === slot.account)
    ?.policy,
  etag: etags[slot.role],
});

/**
 * The policy that stops applying when a slot is written: the stored one, or for an operator the default policy, no part of which remains
 * (docs/policy.md). Undefined if an owner has set none.
 */
export const replacedBy = (
  { policies }: Pick<Standing, 'policies'>,
  { role }: PolicySlot,
  { document }: StoredPolicy,
): PolicyDocument | undefined =>
  document ??
  (role === 'operator' ? policies.find(({ kind }) => kind === 'default')?.policy : undefined);

/** Reads the policy of a slot now. */
export const readStored = async (
  management: Management,
  slot: PolicySlot,
): Promise<StoredPolicy> => {
  const { account } = slot;
  return storedIn((await management.call('account.get', { params: { account } })).body, slot);
};

type Write = {
  readonly document: PolicyDocument;
  /** The version that the writer has seen. */
  readonly etag: string | undefined;
  readonly dryRun?: boolean;
};

/** Sets the policy of a slot, if it still has the version that the writer saw. @throws CountersignError */
export const writePolicy = async (
  management: Management,
  { account, role }: PolicySlot,
  { document, etag, dryRun = false }: Write,
): Promise<AnswerOf<'account.policy.put'>> => {
  const { body } = await management.call(
    role === 'operator' ? 'accounts.policy.put' : 'account.policy.put',
    {
      params: { account },
      body: document,
      dryRun,
      ...(etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag }),
    },
  );
  return body;
};

/** Removes the policy of a slot, if it still has the version that the writer saw. @throws CountersignError */
export const removePolicy = async (
  management: Management,
  { account, role }: PolicySlot,
  etag: string,
): Promise<unknown> =>
  await management.call(role === 'operator' ? 'accounts.policy.delete' : 'account.policy.delete', {
    params: { account },
    ifMatch: etag,
  });
