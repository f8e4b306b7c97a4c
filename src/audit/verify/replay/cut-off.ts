import type { Hex } from '../../../core/hex.ts';
import { accountId } from '../../../protocol/account-id.ts';
import type { Entry } from '../../../protocol/entry.ts';
import type { ReplayedAccount, TakenGrant } from './account.ts';
import { linksOf, networkOf } from './binding.ts';
import { isSameJson } from './members.ts';
import type { Step } from './step.ts';
import type { Texts } from './texts.ts';

/**
 * Applies a cut-off that an entry names: the remaining ancestors must be the highest of those that the newest grant named.
 *
 * Attack: an operator names a stranger, who could then read the account, or omits a manager, who then no longer can.
 */
export const applyCutOff = (account: ReplayedAccount, entry: Entry, texts: Texts): Step => {
  const named = entry.outcome?.['ancestors'];
  if (named === undefined) return { account, faults: [] };
  const { above, cutOff } = account;
  const count = above.length - (Array.isArray(named) ? named.length : 0);
  const isRight =
    count > cutOff &&
    count < above.length &&
    entry.type !== 'grant.taken' &&
    isSameJson(named, above.slice(count));
  if (!isRight) {
    return {
      account,
      faults: [{ check: 'calls', reason: 'wrong_grant', field: 'outcome.ancestors' }],
    };
  }
  const ended = new Set(endedBy({ ...account, cutOff: count }, texts));
  const grants = account.grants.map((each): TakenGrant =>
    ended.has(each.hash) ? { ...each, isCutOff: true } : each,
  );
  return { account: { ...account, cutOff: count, grants }, faults: [] };
};

/** The grants that the nearest remaining ancestor issued above the grants of an account: it revoked one of them. */
export const revocable = (account: ReplayedAccount, texts: Texts): readonly Hex[] =>
  branchesOf(account, texts).map(({ issued }) => issued);

/**
 * The grants that no call may use any more. Only a grant of an owner is revoked for good: other issuers may move to another parent, and
 * come back. If the owner issued several grants, the log does not show which one it revoked.
 */
const endedBy = (account: ReplayedAccount, texts: Texts): readonly Hex[] => {
  const { above, cutOff } = account;
  const branches = branchesOf(account, texts);
  const isOne = new Set(branches.map(({ issued }) => issued)).size === 1;
  return isOne && cutOff === above.length - 1 ? branches.map(({ hash }) => hash) : [];
};

/** The grants of an account that came through its present ancestors, each with the link that the nearest remaining ancestor issued. */
const branchesOf = (
  { account, grants, above, cutOff }: ReplayedAccount,
  texts: Texts,
): readonly { readonly hash: Hex; readonly issued: Hex }[] => {
  const on = networkOf(account);
  return grants.flatMap(({ hash, status }) => {
    const links = linksOf(hash, texts);
    const isSame =
      status !== 'superseded' &&
      links.length === above.length &&
      links.every(({ issuer }, at) => accountId(on, issuer) === above[at]);
    const issued = links[cutOff]?.hash;
    return isSame && issued !== undefined ? [{ hash, issued }] : [];
  });
};
