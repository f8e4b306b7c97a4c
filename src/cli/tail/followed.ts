import type { EntryEvent } from '../../client/management-events.ts';
import { isAddress } from '../../core/hex.ts';
import { accountId, type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import { factsIf } from '../../protocol/log/facts.ts';
import { accountNamed, treeBelow } from '../lib/accounts.ts';
import type { AdminClient } from '../lib/admin-client.ts';

/** Labels by account. */
export type Labels = Map<string, string>;

/** Keeps the label that an entry sets. */
export const updateLabel = (labels: Labels, entry: EntryEvent): void => {
  const labelled = factsIf(entry, 'account.label');
  if (labelled === undefined) return;
  const { label } = labelled.outcome;
  if (typeof label === 'string') labels.set(entry.account, label);
  else labels.delete(entry.account);
};

/** Reads the label of an account that was followed without one. */
export const readLabel = async (
  admin: AdminClient,
  labels: Labels,
  account: AccountId,
): Promise<void> => {
  try {
    const { body } = await admin.management().call('account.get', { params: { account } });
    if (body.label !== undefined && !labels.has(account)) labels.set(account, body.label);
  } catch {
    // Without a label, lines show the name of this machine's key, or the address.
  }
};

/** The accounts that the command line names; without one, the signer and its descendants that may call. */
export const followedAccounts = async (
  admin: AdminClient,
  given: readonly string[],
): Promise<{ readonly accounts: readonly AccountId[]; readonly labels: Labels }> => {
  const labels: Labels = new Map();
  if (given.length > 0) {
    const accounts: AccountId[] = [];
    for (const text of given) {
      const account = await accountNamed(admin, text);
      accounts.push(account);
      const isLabel = !text.startsWith('0x') && parseAccountId(text.toLowerCase()) === undefined;
      if (isLabel) labels.set(account, text);
    }
    return { accounts: [...new Set(accounts)], labels };
  }
  const own = await admin.own();
  const below = await treeBelow(admin, own);
  for (const { account, label } of below) if (label !== undefined) labels.set(account, label);
  // An account without a live grant makes no calls.
  const live = below.filter(
    ({ status, standing }) => status === 'active' && standing !== undefined,
  );
  return { accounts: [...new Set([own, ...live.map(({ account }) => account)])], labels };
};

/** The account that consented to a grant. Before its consent, the issuer may not read its log. */
export const granteeIn = (entry: EntryEvent): AccountId | undefined => {
  const accepted = factsIf(entry, 'grant.accepted')?.outcome.delegate;
  if (accepted !== undefined)
    return parseAccountId(accepted) === undefined ? undefined : (accepted as AccountId);
  if (entry.decision === 'offered') return undefined;
  const delegate = factsIf(entry, 'grant.issued')?.evidence.delegation?.delegate;
  const on = parseAccountId(entry.account)?.network;
  return delegate !== undefined && isAddress(delegate) && on !== undefined
    ? accountId(on, delegate)
    : undefined;
};
