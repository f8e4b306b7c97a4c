import type { Seconds } from '../../../core/clock.ts';
import { accountId, type AccountId } from '../../../protocol/account-id.ts';
import { SCREENING_LIFETIME } from '../../../protocol/account/screening.ts';
import type { Entry } from '../../../protocol/entry.ts';
import type { ReplayedAccount } from './account.ts';
import { linksOf, networkOf } from './binding.ts';
import type { ReplayedCall } from './call.ts';
import { textOf } from './members.ts';
import type { Texts } from './texts.ts';

/** Applies `account.screened`; undefined if the entry contradicts itself or the verdict before it. */
export const applyScreening = (
  account: ReplayedAccount,
  { decision, outcome, at }: Entry,
): ReplayedAccount | undefined => {
  const of = textOf(outcome?.['account']) as AccountId | undefined;
  const passes = outcome?.['passes'];
  if (of === undefined || typeof passes !== 'boolean') return undefined;
  const isListed =
    decision === 'listed' || (decision === 'unanswered' && account.screened[of]?.isListed === true);
  if (passes ? isListed : decision === 'clear') return undefined;
  return { ...account, screened: { ...account.screened, [of]: { isListed, passes, at } } };
};

/** Whether the last screening of an account forbids calls: a listed account until it is cleared, an unanswered screening for a minute. */
export const isForbidden = ({ screened }: ReplayedAccount, of: AccountId, at: Seconds): boolean => {
  const last = screened[of];
  return (
    last !== undefined &&
    !last.passes &&
    (last.isListed || at < last.at + SCREENING_LIFETIME.unanswered)
  );
};

/** Whether a call was accepted although the last screening of its account, or of the ancestor whose credit paid, forbade it. */
export const isAcceptedForbidden = (
  account: ReplayedAccount,
  { grant, paidBy }: ReplayedCall,
  { payment, at }: Entry,
  texts: Texts,
): boolean => {
  const link =
    paidBy === 'lent'
      ? linksOf(grant, texts).find(({ hash }) => hash === payment?.['lender'])
      : undefined;
  const lender = link === undefined ? [] : [accountId(networkOf(account.account), link.issuer)];
  return [account.account, ...lender].some((of) => isForbidden(account, of, at));
};
